"""Gains against closed forms and PyTorch; variances of the initializers against weights that they draw."""

import math

import pytest
import torch

from gradgrid.core.entries import Entry
from gradgrid.core.errors import GradgridError
from gradgrid.core.registry import entries
from gradgrid.theory.gains import gains, torch_gain
from gradgrid.theory.meanfield import chi, length_map, limit
from gradgrid.theory.variances import bias_variance, variance
from gradgrid.train import initializers
from gradgrid.train.gains import activation_function, gain, second_moment_gain

TABLE = gains().set_index("activation")
UNKNOWN = {"constant", "uniform", "identity", "lsuv"}
LAYERS = {"wide": (900, 400), "tall": (400, 900), "square": (600, 600)}


def test_every_activation_has_a_row():
    assert list(TABLE.index) == list(entries("activations"))
    assert list(TABLE.columns) == ["deviation_gain", "second_moment_gain", "backward_gain", "torch_gain"]


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.5])
def test_gains_of_rectifiers_in_closed_form(slope):
    row = gains([Entry.of("leaky_relu", {"negative_slope": slope})]).iloc[0]
    moment, mean = (1 + slope**2) / 2, (1 - slope) / math.sqrt(2 * math.pi)
    assert row["second_moment_gain"] == pytest.approx(moment**-0.5, rel=1e-12)
    assert row["backward_gain"] == pytest.approx(moment**-0.5, rel=1e-12)
    assert row["torch_gain"] == pytest.approx(moment**-0.5, rel=1e-12)
    assert row["deviation_gain"] == pytest.approx((moment - mean**2) ** -0.5, rel=1e-12)


@pytest.mark.parametrize("name", entries("activations"))
def test_gains_against_two_million_draws(name):
    z = torch.randn(2_000_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    f, df = activation_function(Entry(name))(z)
    row = TABLE.loc[name]
    assert row["deviation_gain"] * f.std() == pytest.approx(1, abs=0.005)
    assert row["second_moment_gain"] ** 2 * f.square().mean() == pytest.approx(1, abs=0.005)
    assert row["backward_gain"] ** 2 * df.square().mean() == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize("name", entries("activations"))
def test_the_second_moment_gain_is_that_of_training(name):
    assert TABLE.loc[name, "second_moment_gain"] == pytest.approx(second_moment_gain(Entry(name)), rel=1e-6)


def test_pytorch_gains_are_those_of_training_and_missing_elsewhere():
    there = TABLE["torch_gain"].dropna()
    assert set(there.index) == {"identity", "sigmoid", "tanh", "relu", "leaky_relu", "selu"}
    assert all(there[name] == gain(Entry(name)) for name in there.index)
    assert math.isnan(torch_gain(Entry.of("sigmoid", {"steepness": 4})))


@pytest.mark.parametrize("name", entries("activations"))
def test_the_gains_keep_what_they_say(name):
    """From variance 1: the second-moment gain keeps the length, the backward gain the norm of the deltas."""
    assert length_map(Entry(name), TABLE.loc[name, "second_moment_gain"] ** 2, 0.0, 1.0) == pytest.approx(
        1, rel=1e-12
    )
    assert chi(Entry(name), TABLE.loc[name, "backward_gain"] ** 2, 1.0) == pytest.approx(1, rel=1e-12)


def drawn(initializer, activation, fan_in, fan_out):
    draw = initializers.Draw(
        torch.Generator().manual_seed(5), gain(activation), lambda: torch.ones(10, fan_in)
    )
    weight = torch.empty(fan_out, fan_in)
    getattr(initializers, initializer.name)(weight, draw, **initializer.keywords)
    return weight.double()


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", entries("initializers"))
def test_variances_are_those_of_the_weights_drawn(name, layer):
    fan_in, fan_out = LAYERS[layer]
    expected = variance(Entry(name), Entry("tanh"), fan_in, fan_out)
    if name in UNKNOWN:
        assert expected is None
        return
    weight = drawn(Entry(name), Entry("tanh"), fan_in, fan_out)
    assert weight.square().mean() * fan_in == pytest.approx(expected, rel=0.02)
    assert weight.mean().abs() * weight.numel() ** 0.5 < 5 * weight.std()


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("normal", {"std": 0.05}),
        ("uniform", {"low": -0.2, "high": 0.2}),
        ("sparse", {"sparsity": 0.7, "std": 0.3}),
        ("trunc_normal", {"std": 0.5}),
    ],
)
def test_parameters_count(name, parameters):
    weight = drawn(Entry.of(name, parameters), Entry("relu"), 500, 400)
    found = variance(Entry.of(name, parameters), Entry("relu"), 500, 400)
    assert weight.square().mean() * 500 == pytest.approx(found, rel=0.02)


def test_draws_with_a_mean_have_no_variance_here():
    assert variance(Entry.of("normal", {"mean": 0.1}), Entry("relu"), 500, 400) is None


def test_kaiming_puts_relu_on_its_critical_line():
    sigma_w2 = variance(Entry("kaiming_normal"), Entry("relu"), 300, 300)
    assert limit(Entry("relu"), sigma_w2, bias_variance("zero")).stability == "neutral"


def test_biases():
    assert (bias_variance("normal"), bias_variance("zero")) == (1, 0)
    with pytest.raises(GradgridError, match="normal, zero"):
        bias_variance("ones")
