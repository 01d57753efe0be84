"""The book's problems against brute force, linear programs and arithmetic with thirty digits."""

from decimal import Decimal, getcontext

import numpy as np
import pytest
import torch
from scipy.optimize import brentq, differential_evolution, linprog

from gradgrid.book import neuron, problems
from gradgrid.core.references import references

RANDOM = np.random.default_rng(3)
FINE = np.linspace(0, 1, 20_001)


def plain_slope(z):
    return np.exp(-z) / (1 + np.exp(-z)) ** 2


def rows(of):
    return {(row.problem, row.quantity): row for row in of.problems()}


def published(name):
    (number,) = references()[name].numbers
    return number


def least_error(columns, target):
    """The least max |columns · c - target| over all c, by a linear program."""
    a = np.column_stack(columns)
    ones = np.ones((len(a), 1))
    constraints = np.block([[a, -ones], [-a, -ones]])
    bounds = [(None, None)] * a.shape[1] + [(0, None)]
    cost = [0] * a.shape[1] + [1]
    return linprog(cost, constraints, np.concatenate([target, -target]), bounds=bounds).fun


def test_the_slope_is_autograds():
    z = torch.linspace(-30, 30, 601, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad((1 / (1 + torch.exp(z))).sum(), z)
    np.testing.assert_allclose(problems.slope(z.detach().numpy()), -expected.numpy(), rtol=1e-13)
    assert problems.steepest() == pytest.approx(0.25, rel=1e-15)


@pytest.mark.parametrize("weight", [4.0001, 4.5, 6.9, 25.0, 100.0, 1e4])
def test_equation_123_against_the_roots_of_the_slope(weight):
    end = brentq(lambda z: weight * plain_slope(z) - 1, 0, 50, xtol=1e-15)
    assert problems.width_of_set(weight) == pytest.approx(2 * end / weight, rel=1e-9)
    assert problems.width_of_set(-weight) == problems.width_of_set(weight)


@pytest.mark.parametrize("weight", [4.2, 7.0, -9.0, 60.0])
def test_no_bias_has_a_wider_set_and_one_reaches_the_width(weight):
    width = problems.width_of_set(weight)
    activations = np.linspace(0, 1, 4_001)
    for bias in [*RANDOM.uniform(-80, 80, 40), -weight / 2]:
        inside = np.abs(weight * plain_slope(weight * activations + bias)) >= 1
        assert inside.mean() <= width + 1 / 2_000
    assert inside.mean() == pytest.approx(width, abs=1 / 2_000)
    assert problems.width_by_counting(abs(weight)) == pytest.approx(width, abs=problems.SPACING)


@pytest.mark.parametrize("weight", [-3.999, 0.5, 3.999])
def test_no_activation_is_left_below_four(weight):
    assert problems.width_of_set(weight) == 0
    z = np.linspace(-20, 20, 40_001)
    assert (np.abs(weight * plain_slope(z)) < 1).all()
    assert problems.width_by_counting(abs(weight)) == 0


def test_at_four_the_set_is_a_point():
    assert problems.width_of_set(4) == 0
    assert 4 * plain_slope(0.0) == 1
    np.testing.assert_array_equal(problems.width_of_set([1.0, 4.0]), [0, 0])


def widest_to_thirty_digits():
    """Golden section on equation 123 itself in decimal arithmetic, whose derivative nobody worked out."""
    getcontext().prec = 60

    def width(w):
        return 2 / w * (w * (1 + (1 - 4 / w).sqrt()) / 2 - 1).ln()

    low, high, ratio = Decimal(5), Decimal(9), (Decimal(5).sqrt() - 1) / 2
    for _ in range(120):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        low, high = (low, right) if width(left) > width(right) else (left, high)
    return low, width(low)


def test_the_widest_set_to_six_digits_and_more():
    weight, width = problems.widest()
    expected = widest_to_thirty_digits()
    assert (f"{weight:.6g}", f"{width:.6g}") == tuple(f"{number:.6g}" for number in expected)
    assert (weight, width) == pytest.approx(tuple(map(float, expected)), rel=1e-13)
    assert problems.width_of_set(weight) == pytest.approx(width, rel=1e-13)


def test_the_books_rounded_numbers():
    weight, width = problems.widest()
    assert round(weight, 1) == published("identity-widest-weight")
    assert round(width, 2) == published("identity-widest-set")
    found = rows(problems)
    assert found["width of the set", "|w| for which the set is widest"].value == weight
    counted = found["width of the set", "largest difference of equation 123 from counting activations"]
    assert 0 < counted.value <= problems.SPACING
    steep = [row for (name, quantity), row in found.items() if name == "slope" and " z)" in quantity]
    assert [row.value for row in steep] == pytest.approx([0.5, 1, 2], rel=1e-6)
    for row in found.values():
        assert row.value == pytest.approx(row.expected, rel=0.01, abs=problems.SPACING), row.quantity


def test_curves_of_the_slope_and_the_width():
    slope, width = problems.curves()
    np.testing.assert_allclose(slope["y"], plain_slope(slope["x"]), rtol=1e-12)
    assert slope.loc[slope["y"].idxmax(), "x"] == 0
    assert tuple(width.loc[width["y"].idxmax(), ["x", "y"]]) == pytest.approx(problems.widest(), rel=1e-12)
    assert width["x"].is_monotonic_increasing


def test_shares_count_values_up_to_and_with_x():
    found = problems.shares("of three", [2.0, 1.0, 3.0], [0.5, 1.0, 2.5, 3.0])
    assert found["y"].tolist() == [0, 1 / 3, 2 / 3, 1]


def test_the_best_scale_is_that_of_a_linear_program():
    for _ in range(5):
        g = RANDOM.uniform(0.1, 2, len(neuron.X))
        scale, error = neuron.best_scale(g, neuron.X)
        assert error == pytest.approx(least_error([g], neuron.X), rel=1e-9)
        assert np.abs(scale * g - neuron.X).max() == pytest.approx(error, rel=1e-12)


@pytest.mark.parametrize("w1", [0.3, 1.0, 2.5, 4.0, 5.6, 10.0, 40.0])
def test_the_best_literal_neuron_of_a_weight_against_a_search_over_biases(w1):
    best = neuron.literal(w1)
    biases = np.linspace(-w1 - 15, 2, 300)
    searched = min(neuron.best_scale(1 / (1 + np.exp(-(w1 * neuron.X + b))), neuron.X)[1] for b in biases)
    assert searched >= best.error - 1e-6
    assert np.abs(best(neuron.X) - neuron.X).max() == pytest.approx(best.error, rel=1e-9)
    # f(1) ≤ exp(w1) f(0) for every neuron, f(0) ≤ E and f(1) ≥ 1 - E.
    assert best.error >= 1 / (1 + np.exp(w1)) - 1e-12


def test_the_best_literal_neuron_of_all():
    best = neuron.best_literal()
    deviation = best(FINE) - FINE
    assert np.abs(deviation).max() == pytest.approx(best.error, rel=1e-9)
    inner = slice(1, -1)
    low, high = deviation[inner].argmin() + 1, deviation[inner].argmax() + 1
    assert low < high
    expected = [best.error, -best.error, best.error, -best.error]
    assert deviation[[0, low, high, -1]] == pytest.approx(expected, rel=1e-6)
    assert (best.w2, best.b) == pytest.approx((1, -best.w1 / 2), rel=1e-12)


def test_no_search_finds_a_better_literal_neuron():
    def largest_error(parameters):
        w1, w2, b = parameters
        return np.abs(w2 / (1 + np.exp(-(w1 * neuron.X + b))) - neuron.X).max()

    box = [(-30, 30), (-50, 50), (-30, 30)]
    found = differential_evolution(largest_error, box, rng=1, popsize=30, maxiter=300, tol=1e-10)
    best = neuron.best_literal()
    assert best.error - 2e-5 <= found.fun <= best.error + 1e-3
    assert found.x == pytest.approx((best.w1, best.w2, best.b), rel=0.05)


def test_the_limit_of_large_scales_is_an_exponential_and_worse():
    found = neuron.best_exponential()
    searched = [least_error([np.exp(w1 * neuron.X)], neuron.X) for w1 in np.linspace(2, 2.4, 81)]
    assert found == pytest.approx(min(searched), abs=1e-3)
    assert found > neuron.best_literal().error
    assert neuron.literal(1.0).error == pytest.approx(least_error([np.exp(neuron.X)], neuron.X), abs=1e-5)


def test_the_hints_two_terms_need_a_weight_above_two():
    for z in (-4.0, 0.0, 1.5):
        tried = neuron._tangent(z)
        half = np.array([0.5 - 1e-6, 0.5, 0.5 + 1e-6])
        below, middle, above = tried(half)
        assert middle == pytest.approx(0.5, rel=1e-12)
        assert (above - below) / 2e-6 == pytest.approx(1, rel=1e-6)
        assert tried.w1 > 2
        assert tried.error >= neuron.best_tangent().error - 1e-9
    # The best one is w1 = 4, w2 = 1, b = -2, wrong by σ(-2) at both ends.
    assert neuron.best_tangent().error == pytest.approx(1 / (1 + np.exp(2)), rel=1e-4)


@pytest.mark.parametrize("w1", [0.1, 1.0, 6.0])
def test_with_a_constant_the_centred_neuron_is_the_best(w1):
    """Against linear programs over w2 and c for many biases."""
    taylor, best = neuron.errors_with_constant(w1)
    ones = np.ones_like(neuron.X)

    def least(b):
        return least_error([4 / w1 / (1 + np.exp(-(w1 * neuron.X + b))), ones], neuron.X)

    assert least(-w1 / 2) == pytest.approx(best, rel=1e-3, abs=1e-6)
    assert all(least(b) > best - 1e-6 for b in -w1 / 2 + np.linspace(-2, 2, 8))
    centred = 4 / w1 / (1 + np.exp(-(w1 * (FINE - 0.5)))) + 0.5 - 2 / w1
    assert taylor == pytest.approx(np.abs(centred - FINE).max(), rel=1e-6)
    assert best < taylor


def test_the_error_with_a_constant_is_of_second_order():
    found = rows(neuron)
    for choice, coefficient in (("w2 = 4/w1", 1 / 96), ("the best w2, b and c", 1 / 384)):
        problem = "identity neuron, with a constant"
        assert found[problem, f"order of the largest error in w1, {choice}"].value == pytest.approx(
            2, abs=1e-3
        )
        scaled = found[problem, f"largest error ÷ w1², {choice}, w1 = 0.01"]
        assert scaled.value == pytest.approx(coefficient, rel=1e-4)
        assert scaled.expected == coefficient


def test_curves_of_the_identity_neuron():
    curves = {frame["curve"].iloc[0]: frame for frame in neuron.curves()}
    literal, best, taylor, output = (
        curves[f"identity_{name}"]
        for name in ("error_literal", "error_with_constant", "error_taylor", "neuron_literal")
    )
    least = literal.loc[literal["y"].idxmin()]
    assert (least["x"], least["y"]) == pytest.approx(
        (neuron.best_literal().w1, neuron.best_literal().error), abs=1e-5
    )
    assert literal["y"].iloc[0] == pytest.approx(0.5, abs=0.01)
    assert (best["y"] < taylor["y"]).all()
    assert (best["y"] < literal["y"]).all()
    assert best["y"].is_monotonic_increasing
    assert np.abs(output["y"] - output["x"]).max() == pytest.approx(neuron.best_literal().error, rel=1e-9)
