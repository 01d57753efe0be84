"""The figures' small parts: order of levels, styles, the stretched scale, numbers in words."""

import numpy as np
import pytest
from drawings import ALL_ACTIVATIONS, ALL_INITIALIZERS

from gradgrid.core.numbers import counted, listed
from gradgrid.figures import stretch
from gradgrid.figures.levels import ordered
from gradgrid.figures.numbers import signed, times
from gradgrid.figures.style import activation_points, initializer_lines, legible_on


def test_levels_have_the_order_of_their_registry():
    assert ordered("depth", [8, 1, 10]) == [1, 8, 10]
    assert ordered("clipping", ["value=0.1", "norm=5", "none", "norm=1"])[:1] == ["none"]
    assert ordered("normalization", ["layer", "batch", "none"]) == ["none", "batch", "layer"]
    assert ordered("residual", ["yes", "no"]) == ["no", "yes"]
    with_parameters = ordered(
        "activation", ["relu", "leaky_relu(negative_slope=0.1)", "leaky_relu", "sigmoid"]
    )
    assert with_parameters == ["sigmoid", "relu", "leaky_relu", "leaky_relu(negative_slope=0.1)"]


def test_styles_of_different_levels_differ_and_do_not_depend_on_the_company():
    styles = initializer_lines(ALL_INITIALIZERS)
    assert len(set(styles.values())) == len(ALL_INITIALIZERS)
    assert initializer_lines(["lsuv"])["lsuv"] == styles["lsuv"]
    assert initializer_lines(["normal(std=0.05)"])["normal(std=0.05)"].color == styles["normal"].color
    assert len(set(activation_points(ALL_ACTIVATIONS).values())) == len(ALL_ACTIVATIONS)


def test_text_on_colours_is_legible():
    assert (legible_on("#fde725"), legible_on("#440154")) == ("black", "white")


def test_the_stretched_scale_is_monotonic_and_inverted():
    accuracies = np.array([0.0, 0.1, 0.9, 0.99])
    np.testing.assert_allclose(stretch.unstretched(stretch.stretched(accuracies)), accuracies)
    np.testing.assert_allclose(np.diff(stretch.stretched(np.array([0, 0.9, 0.99]))), [1, 1])
    assert np.isfinite(stretch.stretched(np.array([1.0])))
    assert stretch.ticks(0.1, 0.93) == ([0.1, 0.5, 0.8, 0.9], ["10", "50", "80", "90"])


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(1.04, "1.0 times"), (1.55, "1.6 times"), (9.96, "10.0 times"), (12.4, "12 times"),
     (1234.0, "1,200 times"), (7.2e10, "7·10¹⁰ times"), (0.034, "0.034 times")],
)  # fmt: skip
def test_ratios_in_words(ratio, words):
    assert times(ratio) == words


def test_numbers_in_words():
    assert (counted(1, "seed"), counted(4320, "run")) == ("1 seed", "4,320 runs")
    assert (signed(-1.2), signed(0.651), signed(-0.001)) == ("−1.20", "+0.65", "0.00")
    assert (listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])) == ("a", "a and b", "a, b and c")
