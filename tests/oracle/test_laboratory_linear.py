"""Deep linear networks against powers, against plain nn.Linear and autograd, and against the law of chi-square."""

import numpy as np
import pytest
import torch
from scipy.special import polygamma
from torch import nn

from gradgrid.core.entries import Entry
from gradgrid.core.laboratory_tables import LINEAR
from gradgrid.core.parquet import to_arrow
from gradgrid.core.seeds import derive
from gradgrid.laboratory.linear import MINIBATCH, linear
from gradgrid.laboratory.networks import Networks, propagate

torch.set_num_threads(1)

DEPTH, WIDTH = 100, 12
SCALES = [0.25, 0.5, 0.9, 1.0, 1.1, 4.0]


def settings(**changes):
    return {"scale": SCALES, "depth": DEPTH, "width": WIDTH, "seeds": [0, 3]} | changes


@pytest.fixture(scope="module")
def rows():
    return to_arrow(linear(settings()), LINEAR).to_pandas()


def some(rows, kind, precision, scale, seed=3):
    chosen = (rows["kind"] == kind) & (rows["precision"] == precision) & (rows["scale"] == scale)
    return rows[chosen & (rows["seed"] == seed)].set_index("layer")


def generator(*names):
    return torch.Generator().manual_seed(derive(*names))


def given(seed=3):
    """The inputs and the first gradient in float64."""
    return [
        torch.randn(MINIBATCH, WIDTH, generator=generator(of, seed)).double() for of in ("inputs", "gradient")
    ]


def test_a_row_for_every_layer(rows):
    assert len(rows) == 2 * 2 * len(SCALES) * 2 * DEPTH
    assert not rows.duplicated(["kind", "precision", "scale", "seed", "layer"]).any()


@pytest.mark.parametrize("scale", SCALES)
def test_a_scaled_identity_raises_its_scale_to_the_power_of_the_layer(rows, scale):
    found = some(rows, "scaled_identity", "float64", scale)
    before, start = (float(values.std(correction=0)) for values in given())
    layers = found.index.to_numpy(dtype=float)
    rounding = 0 if np.log2(scale).is_integer() else 1e-14
    np.testing.assert_allclose(found["activation_std"], before * scale**layers, rtol=rounding + 3e-16)
    np.testing.assert_allclose(
        found["gradient_std"], start * scale ** (DEPTH - layers), rtol=rounding + 3e-16
    )
    np.testing.assert_allclose(found["expected_std"], before * scale**layers, rtol=1e-15)
    np.testing.assert_allclose(found["expected_gradient_std"], start * scale ** (DEPTH - layers), rtol=1e-15)


def test_float32_is_right_as_far_as_its_range_goes(rows):
    inside = rows[
        (rows["kind"] == "scaled_identity") & (rows["layer"] <= rows["in_range_until"].fillna(DEPTH) - 5)
    ]
    inside = inside[inside["precision"] == "float32"]
    assert set(inside["scale"]) == set(SCALES)
    np.testing.assert_allclose(inside["activation_std"], inside["expected_std"], rtol=5e-6)


def test_the_range_of_float32_ends_where_powers_of_two_say(rows):
    until = rows[rows["precision"] == "float32"].groupby("scale")["in_range_until"].first()
    assert until[0.25] == 126 // 2
    assert until[0.5] == 126
    assert until[4.0] == 127 // 2
    assert np.isnan(until[1.0])
    np.testing.assert_array_less(1.1 ** until[1.1], 2.0**128)
    np.testing.assert_array_less(2.0**128, 1.1 ** (until[1.1] + 1))
    np.testing.assert_array_less(2.0**-126, 0.9 ** until[0.9])
    np.testing.assert_array_less(0.9 ** (until[0.9] + 1), 2.0**-126)
    double = rows[rows["precision"] == "float64"].groupby("scale")["in_range_until"].first()
    assert (double[0.5], double[4.0]) == (1022, 1023 // 2)


def test_float32_underflows_to_zero_where_the_largest_input_does(rows):
    """The smallest number of float32 is 2^-149; its half rounds to 0."""
    found = some(rows, "scaled_identity", "float32", 0.25)
    largest = given()[0].abs().max().item()
    zero = [largest * 0.25**layer <= 2.0**-150 for layer in found.index]
    assert 0 < sum(zero) < DEPTH
    assert list(found["activation_std"] == 0) == zero


def test_float32_overflows_where_the_largest_input_does(rows):
    found = some(rows, "scaled_identity", "float32", 4.0)
    overflown = [given()[0].abs().max().item() * 4.0**layer >= 2.0**128 for layer in found.index]
    assert 0 < sum(overflown) < DEPTH
    assert list(found["activation_std"].isna()) == overflown
    assert list(found["gradient_std"].isna()) == overflown
    finite = found[~np.array(overflown)]
    np.testing.assert_allclose(finite["gradient_std"], finite["expected_gradient_std"], rtol=1e-6)
    assert finite["gradient_std"].iloc[-1] == pytest.approx(given()[1].std(correction=0).item())


@pytest.mark.parametrize("scale", [0.9, 4.0])
def test_random_weights_are_those_of_plain_linear_layers(rows, scale):
    depth, activations = 20, []
    x, start = given()
    for layer in range(1, depth + 1):
        linear_layer = nn.Linear(WIDTH, WIDTH, bias=False, dtype=torch.float64)
        drawn = torch.randn(WIDTH, WIDTH, generator=generator("weights", 3, layer))
        linear_layer.weight.data = scale * drawn.double() / WIDTH**0.5
        x = linear_layer(x)
        activations.append(x)
    gradients = torch.autograd.grad(x, activations, start)
    found = some(linear(settings(depth=depth)), "gaussian", "float64", scale)
    for column, expected in (("activation_std", activations), ("gradient_std", gradients)):
        wanted = [values.detach().std(correction=0).item() for values in expected]
        np.testing.assert_allclose(found[column], wanted, rtol=1e-6)


def test_random_weights_keep_the_mean_square_over_draws():
    found = linear(settings(scale=[1.1], depth=4, width=50, seeds=list(range(120))))
    last = found[(found["kind"] == "gaussian") & (found["precision"] == "float64") & (found["layer"] == 4)]
    squares = (last["activation_std"] / last["expected_std"]) ** 2
    assert squares.mean() == pytest.approx(1, abs=4 * squares.std() / 120**0.5)
    assert squares.std() < 0.3


def test_one_input_through_random_weights_follows_the_chi_square_law():
    """log of the variance: sums of logs of chi-square variables, width of them a layer, one less at the last."""
    width, depth, draws = 10, 8, 500
    found = []
    for seed in range(draws):
        weights = torch.randn(depth, width, width, generator=generator("test", seed)) / width**0.5
        networks = Networks(
            [Entry("identity")], lambda layer, _, w=weights: w[layer - 1], lambda z: z.new_ones(1)
        )
        x = torch.ones(1, width, dtype=torch.float64)
        found.append(propagate(networks, depth, x, x)["activation_std"][0, -1].log().item() * 2)
    chi_squares = [width] * (depth - 1) + [width - 1]
    mean = sum(polygamma(0, n / 2) + np.log(2 / width) for n in chi_squares)
    variance = sum(polygamma(1, n / 2) for n in chi_squares)
    assert np.mean(found) == pytest.approx(mean, abs=4 * (variance / draws) ** 0.5)
    assert np.var(found) == pytest.approx(variance, rel=4 * (2 / draws) ** 0.5)
