"""Untrained networks against a plain loop over layers with autograd."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gradgrid.core.entries import Entry
from gradgrid.core.laboratory import ACTIVATIONS, INITIALIZERS, Propagation
from gradgrid.core.laboratory_tables import OVERFLOW, PROPAGATION
from gradgrid.core.parquet import to_arrow
from gradgrid.core.registry import entries
from gradgrid.core.seeds import derive
from gradgrid.laboratory.propagation import propagation
from gradgrid.laboratory.weights import gain_power
from gradgrid.train import initializers
from gradgrid.train.gains import gain

torch.set_num_threads(1)

DEPTH, WIDTH, INPUTS, SEED = 5, 24, 16, 2
IN_TORCH = {
    "identity": lambda z: z * 1,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "softplus": lambda z: torch.logaddexp(z, torch.zeros_like(z)),
    "softsign": F.softsign,
    "hardtanh": F.hardtanh,
}
SATURATED = {
    "identity": lambda z: z != z,
    "tanh": lambda z: torch.tanh(z) ** 2 > 0.95,
    "sigmoid": lambda z: torch.sigmoid(z) * (1 - torch.sigmoid(z)) < 0.05 / 4,
    "relu": lambda z: z <= 0,
    "leaky_relu": lambda z: z <= 0,
    "elu": lambda z: z < math.log(0.05),
    "softplus": lambda z: z < -math.log(19),
    "softsign": lambda z: (1 + z.abs()) ** 2 > 20,
    "hardtanh": lambda z: z.abs() >= 1,
}
"""Where slopes are below 5 % of the largest, solved for z by hand."""


def settings(**changes):
    small = {"width": [WIDTH], "depth": DEPTH, "inputs": INPUTS, "seeds": [SEED]}
    return Propagation().model_dump(mode="json") | small | changes


def tables(width=WIDTH, **changes):
    found = propagation(settings(**changes), width)
    return [
        to_arrow(found[table.name], table).to_pandas().set_index(["initializer", "activation"]).sort_index()
        for table in (PROPAGATION, OVERFLOW)
    ]


@pytest.fixture(scope="module")
def made():
    return tables()


def generator(*names):
    return torch.Generator().manual_seed(derive(*names))


def given(name, width=WIDTH, seed=SEED):
    return torch.randn(INPUTS, width, generator=generator(name, seed))


class Loop:
    """A network layer by layer: nn.Linear, torch.nn.functional and autograd."""

    def __init__(self, initializer, activation, depth=DEPTH, width=WIDTH, dtype=torch.float64):
        self.z, self.a, x = [], [], given("inputs", width).to(dtype)
        for layer in range(1, depth + 1):
            linear = nn.Linear(width, width, bias=False)
            draw = initializers.Draw(
                generator("weights", SEED, layer), gain(Entry(activation)), lambda x=x: x.detach().float()
            )
            with torch.no_grad():
                getattr(initializers, initializer)(linear.weight, draw)
            self.z.append(linear.to(dtype)(x))
            self.a.append(x := IN_TORCH[activation](self.z[-1]))

    def gradients(self, depth):
        """With respect to the activations of the first ``depth`` layers, where the network ends."""
        start = given("gradient", self.a[0].shape[1]).to(self.a[0])
        return torch.autograd.grad(self.a[depth - 1], self.a[:depth], start, retain_graph=True)

    def slopes(self):
        return [
            torch.autograd.grad(a.sum(), z, retain_graph=True)[0] for a, z in zip(self.a, self.z, strict=True)
        ]


def deviations(tensors):
    return [float(values.detach().double().std(correction=0)) for values in tensors]


@pytest.mark.parametrize("initializer", INITIALIZERS)
def test_every_initializer_and_activation_as_in_a_plain_loop(made, initializer):
    # U(0, 1) saturates tanh so far that 1 - tanh² is rounding, of which float32 and float64 have their own.
    dtype = torch.float32 if initializer == "uniform" else torch.float64
    for activation in ACTIVATIONS:
        loop, rows = Loop(initializer, activation, dtype=dtype), made[0].loc[(initializer, activation)]
        assert list(rows["layer"]) == list(range(1, DEPTH + 1))
        assert not rows["nonfinite"].any()
        close = {"rtol": 2e-4, "atol": 1e-12, "err_msg": activation}
        np.testing.assert_allclose(rows["activation_std"], deviations(loop.a), **close)
        np.testing.assert_allclose(rows["preactivation_std"], deviations(loop.z), **close)
        np.testing.assert_allclose(rows["gradient_std"], deviations(loop.gradients(DEPTH)), **close)


@pytest.mark.parametrize("activation", SATURATED)
@pytest.mark.parametrize("initializer", ["normal", "xavier_uniform", "sparse"])
def test_saturated_share_solved_by_hand(made, initializer, activation):
    loop, rows = Loop(initializer, activation, dtype=torch.float32), made[0].loc[(initializer, activation)]
    shares = [float(SATURATED[activation](z).double().mean()) for z in loop.z]
    np.testing.assert_allclose(rows["saturated_fraction"], shares, atol=2.5 / (INPUTS * WIDTH))


@pytest.mark.parametrize("activation", ["relu", "hardtanh", "tanh"])
def test_dead_neurons_have_slope_0_on_every_input(made, activation):
    slopes = Loop("normal", activation, dtype=torch.float32).slopes()
    dead = [float((slope == 0).all(0).double().mean()) for slope in slopes]
    assert activation != "relu" or max(dead) > 0
    np.testing.assert_allclose(made[0].loc[("normal", activation), "dead_fraction"], dead, atol=1e-6)


@pytest.mark.parametrize(
    ("initializer", "activation", "width"),
    [
        ("normal", "relu", 24),
        ("normal", "silu", 24),
        ("uniform", "identity", 24),
        ("normal", "identity", 256),
    ],
)
def test_overflow_of_float32_as_in_a_plain_loop(initializer, activation, width):
    depth = 90 if width < 100 else 40
    layers, overflow = (
        table.loc[(initializer, activation)]
        for table in tables(width, depth=depth, initializer=[initializer], activation=[activation, "tanh"])
    )
    loop = Loop(initializer, activation, depth, width, dtype=torch.float32)
    broken = [not bool(a.isfinite().all()) for a in loop.a]
    infinite_std = [not bool(a.detach().std().isfinite()) for a in loop.a]
    infinite_variance = [not bool(a.detach().var().isfinite()) for a in loop.a]
    assert overflow["first_nonfinite_layer"] == broken.index(True) + 1
    assert overflow["first_nonfinite_std_layer"] == infinite_std.index(True) + 1
    assert overflow["first_nonfinite_variance_layer"] == infinite_variance.index(True) + 1
    assert 1 < infinite_variance.index(True) < infinite_std.index(True) <= broken.index(True) < depth - 1
    assert width < 256 or infinite_std.index(True) < broken.index(True)
    assert list(layers["nonfinite"]) == broken
    measures = ["activation_std", "preactivation_std", "gradient_std", "saturated_fraction", "dead_fraction"]
    assert layers[broken][measures].isna().all(axis=None)
    held = layers[~np.array(broken)]
    gradients = loop.gradients(broken.index(True))
    np.testing.assert_allclose(held["gradient_std"], deviations(gradients), rtol=1e-4)
    np.testing.assert_allclose(held["activation_std"], deviations(loop.a[: len(gradients)]), rtol=1e-4)


def test_a_network_that_stays_in_range_has_no_first_layer(made):
    assert made[1][["first_nonfinite_layer", "first_nonfinite_std_layer"]].isna().all(axis=None)
    assert len(made[1]) == len(INITIALIZERS) * len(ACTIVATIONS)


def test_a_gradient_may_overflow_alone():
    """Saturation takes less of the gradient than weights of N(0, 1) make of it."""
    layers, overflow = tables(width=400, depth=90, initializer=["normal"], activation=["tanh"])
    assert not layers["nonfinite"].any()
    assert overflow["first_nonfinite_layer"].isna().all()
    finite = layers["gradient_std"].notna().to_numpy()
    assert 0 < finite.argmax() < len(layers)
    assert finite[finite.argmax() :].all()
    assert (layers["gradient_std"].dropna() < 2.0**128).all()


def test_seeds_are_paired():
    """The normal initializers have the same draws, so a linear network's deviations differ by powers of the width."""
    rows, _ = tables(activation=["identity"], initializer=["normal", "lecun_normal"], width=64)
    large, small = (rows.loc[(name, "identity")].reset_index() for name in ("normal", "lecun_normal"))
    ratios = large["activation_std"] / small["activation_std"]
    np.testing.assert_allclose(ratios, 8.0 ** large["layer"], rtol=1e-4)


def test_a_network_does_not_depend_on_the_others(made):
    alone, _ = tables(activation=["gelu"], initializer=["lsuv"])
    together = made[0].loc[[("lsuv", "gelu")]]
    np.testing.assert_allclose(alone["activation_std"], together["activation_std"], rtol=1e-5)
    np.testing.assert_allclose(alone["gradient_std"], together["gradient_std"], rtol=1e-5)
    two, _ = tables(activation=["gelu"], initializer=["lsuv"], seeds=[7, SEED])
    np.testing.assert_allclose(two[two["seed"] == SEED]["gradient_std"], alone["gradient_std"], rtol=1e-6)
    assert not np.allclose(two[two["seed"] == 7]["gradient_std"], alone["gradient_std"], rtol=1e-6)


def test_how_weights_answer_to_the_gain():
    in_proportion = {"xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal"}
    powers = {name: gain_power(Entry(name), WIDTH) for name in entries("initializers")}
    assert {name for name, power in powers.items() if power == 1} == in_proportion
    assert {name for name, power in powers.items() if power is None} == {"lsuv"}


def squared_gain(weight, draw):
    nn.init.normal_(weight, std=draw.gain**2 / weight.shape[1] ** 0.5, generator=draw.generator)


def of_the_inputs(weight, draw):
    nn.init.normal_(weight, generator=draw.generator)
    weight.div_(weight.shape[1] ** 0.5 * (1 + draw.inputs().abs().mean()))


@pytest.mark.parametrize("initializer", [squared_gain, of_the_inputs], ids=lambda function: function.__name__)
def test_initializers_of_another_kind_are_drawn_for_each_activation(monkeypatch, initializer):
    name = initializer.__name__
    monkeypatch.setattr(initializers, name, initializer, raising=False)
    assert gain_power(Entry(name), WIDTH) is None
    rows, _ = tables(initializer=[name], activation=["tanh", "relu"])
    for activation in ("tanh", "relu"):
        loop = Loop(name, activation)
        np.testing.assert_allclose(
            rows.loc[(name, activation), "activation_std"], deviations(loop.a), rtol=1e-5
        )
        np.testing.assert_allclose(
            rows.loc[(name, activation), "gradient_std"], deviations(loop.gradients(DEPTH)), rtol=1e-5
        )
