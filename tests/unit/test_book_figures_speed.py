"""The figures of the book's speeds of learning: what they plot and say."""

import numpy as np
import pandas as pd
import pytest
import synthetic_book
from book_drawings import QUICK, assert_inside, band, book, points
from drawings import drawn, line, panels
from matplotlib.axes import Axes
from scipy import stats


def measured(folder, table):
    """The rows of the hidden layers."""
    rows = pd.read_parquet(folder / f"{table}.parquet")
    return rows[rows["layer"] <= rows["depth"]].astype({"bias_gradient_norm": float})


def test_initial_speed_has_boxes_of_the_hidden_layers_and_the_books_points(small_book):
    axes = panels(drawn(small_book, "book_initial_speed").figure, "depth 4")[0]
    speeds = measured(small_book, "initial_speed").query("depth == 4").groupby("layer")["bias_gradient_norm"]
    assert len(axes.patches) == 4
    box = axes.patches[1]
    assert [box.get_y(), box.get_y() + box.get_height()] == pytest.approx(
        speeds.quantile([0.05, 0.95])[2].tolist()
    )
    assert line(axes, "median 2").get_ydata() == pytest.approx([speeds.median()[2]] * 2)
    assert line(axes, "range 2").get_ydata() == pytest.approx([speeds.min()[2], speeds.max()[2]])
    assert points(axes) == list(enumerate(book("book-speed-4-epoch-0"), start=1))
    assert axes.get_yscale() == "log"
    assert_inside(axes)
    assert points(panels(drawn(small_book, "book_initial_speed").figure, "depth 5")[0]) == []


def test_initial_speed_says_ratios_and_shares(small_book):
    made = drawn(small_book, "book_initial_speed")
    speeds = measured(small_book, "initial_speed").query("depth == 2")
    speeds = speeds.pivot(index="seed", columns="layer", values="bias_gradient_norm")
    ratio = stats.gmean(speeds[2] / speeds[1])
    (said,) = [text.get_text() for text in panels(made.figure, "depth 2")[0].texts]
    first, last = book("book-speed-2-epoch-0")
    assert said == f"{ratio:.1f} times\n(book {last / first:.1f})"
    assert f"{ratio:.1f} times at depth 2" in made.caption
    shares = [100 * (speeds[layer] < value).mean() for layer, value in ((1, first), (2, last))]
    assert f"{shares[0]:.0f} and {shares[1]:.0f} % at depth 2" in made.caption


def test_a_speed_of_zero_is_drawn_on_the_edge_and_has_no_ratio(tmp_path):
    made = synthetic_book.tables(**QUICK, speed_depths=(2,))
    rows = made["initial_speed"]
    rows.loc[rows["layer"] == 1, "bias_gradient_norm"] = 0.0
    figure = drawn(synthetic_book.write(tmp_path, made), "book_initial_speed")
    axes = panels(figure.figure, "depth 2")[0]
    assert set(line(axes, "median 1").get_ydata()) == {axes.get_ylim()[0]}
    assert not axes.texts
    assert figure.caption.endswith("drawn on its edge.")


@pytest.mark.parametrize(
    ("name", "column"),
    [("book_training_speed", "bias_gradient_norm"), ("book_training_weight_speed", "weight_gradient_norm")],
)
def test_training_plots_median_and_middle_90_percent_of_the_hidden_layers(name, column, small_book):
    axes = panels(drawn(small_book, name).figure, "depth 3")[0]
    rows = measured(small_book, "training_speed").query("depth == 3 and activation == 'sigmoid'")
    layers = [plotted.get_label() for plotted in axes.lines if plotted.get_marker() != "D"]
    assert layers == ["1", "2", "3"]
    steps = rows[rows["layer"] == 2].astype({column: float}).groupby("step")[column]
    np.testing.assert_allclose(line(axes, "2").get_ydata(), steps.median())
    np.testing.assert_allclose(band(axes, 1), [steps.quantile(0.05), steps.quantile(0.95)])
    assert axes.get_xscale() == "linear"
    assert_inside(axes)


def test_the_books_speeds_stand_on_the_lines_of_the_speed_of_learning_alone(small_book):
    made = drawn(small_book, "book_training_speed")
    axes = panels(made.figure, "depth 2")[0]
    expected = [(step, speed) for step in (0, 100, 250, 499) for speed in book(f"book-speed-2-epoch-{step}")]
    assert points(axes) == expected
    within = 0
    rows = measured(small_book, "training_speed").query("activation == 'sigmoid'")
    for depth, layer, step in [
        (d, k, s) for d in (2, 3, 4) for k in range(1, d + 1) for s in (0, 100, 250, 499)
    ]:
        of_point = rows.query("depth == @depth and layer == @layer and step == @step")["bias_gradient_norm"]
        value = book(f"book-speed-{depth}-epoch-{step}")[layer - 1]
        within += of_point.quantile(0.05) <= value <= of_point.quantile(0.95)
    assert f"Of the book's 36 points {within} lie within" in made.caption
    weights = drawn(small_book, "book_training_weight_speed")
    assert not any(points(axes) for axes in weights.figure.findobj(Axes))
    assert "book" not in weights.caption


def test_training_says_the_gap_of_the_deepest_networks(small_book):
    made = drawn(small_book, "book_training_activations")
    rows = measured(small_book, "training_speed").query("depth == 4 and activation == 'tanh'")
    speeds = rows.pivot(index=["step", "seed"], columns="layer", values="bias_gradient_norm")
    ratio = (speeds[4] / speeds[1]).groupby("step").median()
    assert (
        "At depth 4, the last hidden layer's speed of learning over the first's at step 0 and 499"
        in made.caption
    )
    assert f"tanh {ratio[0]:.2g} times and {ratio[499]:.2g} times" in made.caption


def test_activations_have_a_row_each_with_the_books_points_in_the_sigmoids(small_book):
    made = drawn(small_book, "book_training_activations")
    grid = np.reshape(made.figure.findobj(Axes), (3, 3))
    assert [axes.get_ylabel() for axes in grid[:, 0]] == ["sigmoid", "tanh", "relu"]
    assert [len(points(axes)) for axes in grid[:, 1]] == [12, 0, 0]
    rows = measured(small_book, "training_speed").query("depth == 2 and activation == 'relu' and layer == 1")
    np.testing.assert_allclose(
        line(grid[2, 0], "1").get_ydata(), rows.groupby("step")["bias_gradient_norm"].median()
    )
