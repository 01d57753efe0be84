"""Activations against torch.nn and autograd; gains and losses against closed forms and torch."""

import math

import pytest
import torch

from gradgrid.core.entries import Entry
from gradgrid.core.registry import entries
from gradgrid.train import activations, losses, reference
from gradgrid.train.gains import activation_function, gain, largest_slope, second_moment_gain

Z = torch.linspace(-9, 9, 1801, dtype=torch.float64)


@pytest.mark.parametrize("name", entries("activations"))
def test_value_and_slope(name):
    z = Z.clone().requires_grad_()
    expected = reference._activation(Entry(name))(z)
    (slope,) = torch.autograd.grad(expected.sum(), z)
    found = activation_function(Entry(name))(Z)
    torch.testing.assert_close(found, (expected.detach(), slope), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("steepness", [0.5, 2.0, 8.0])
def test_a_steep_sigmoid(steepness):
    steep = Entry.of("sigmoid", {"steepness": steepness})
    z = Z.clone().requires_grad_()
    expected = reference._activation(steep)(z)
    (slope,) = torch.autograd.grad(expected.sum(), z)
    a, found = activation_function(steep)(Z)
    torch.testing.assert_close(
        (a, found), (torch.special.expit(steepness * Z), slope), rtol=1e-12, atol=1e-14
    )
    torch.testing.assert_close(a, expected.detach(), rtol=0, atol=0)
    assert largest_slope(steep) == pytest.approx(steepness / 4, rel=1e-6)


def test_a_sigmoid_of_steepness_one_is_the_plain_one_bit_for_bit():
    a, slope = activations.sigmoid(Z)
    torch.testing.assert_close(activations.sigmoid(Z, steepness=1), (a, slope), rtol=0, atol=0)
    torch.testing.assert_close((a, slope), (torch.sigmoid(Z), a * (1 - a)), rtol=0, atol=0)


@pytest.mark.parametrize("name", entries("activations"))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_types_are_kept_and_large_inputs_stay_finite(name, dtype):
    z = torch.tensor([-1e4, -50.0, 0.0, 50.0, 1e4], dtype=dtype)
    a, slope = activation_function(Entry(name))(z)
    assert a.dtype == slope.dtype == dtype
    assert torch.isfinite(a).all()
    assert torch.isfinite(slope).all()
    assert a.data_ptr() != z.data_ptr(), "an activation must not return its input"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (Entry("identity"), 1.0),
        (Entry("sigmoid"), 1.0),
        (Entry("tanh"), 5 / 3),
        (Entry("relu"), math.sqrt(2)),
        (Entry("selu"), 3 / 4),
        (Entry("leaky_relu"), math.sqrt(2 / (1 + 0.01**2))),
        (Entry.of("leaky_relu", {"negative_slope": 0.2}), math.sqrt(2 / (1 + 0.2**2))),
    ],
    ids=lambda value: value.label if isinstance(value, Entry) else "",
)
def test_gains_that_torch_has(entry, expected):
    assert gain(entry) == pytest.approx(expected, rel=1e-12)


def test_second_moment_gain_of_relu_and_identity_in_closed_form():
    assert second_moment_gain(Entry("relu")) == pytest.approx(math.sqrt(2), rel=1e-7)
    assert second_moment_gain(Entry("identity")) == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("name", ["elu", "gelu", "silu", "softplus", "softsign", "hardtanh", "lecun_tanh"])
def test_gains_that_torch_lacks_keep_the_second_moment(name):
    z = torch.randn(2_000_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    a, _ = activation_function(Entry(name))(z)
    assert (gain(Entry(name)) * a).square().mean() == pytest.approx(1, abs=0.01)


def test_the_gain_of_a_steep_sigmoid_keeps_the_second_moment():
    z = torch.randn(2_000_000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for steepness in (0.5, 4.0):
        moment = torch.sigmoid(steepness * z).square().mean()
        assert gain(Entry.of("sigmoid", {"steepness": steepness})) ** 2 * moment == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("name", "expected"), [("sigmoid", 1 / 4), ("tanh", 1), ("lecun_tanh", 1.7159 * 2 / 3)]
)
def test_largest_slopes(name, expected):
    assert largest_slope(Entry(name)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", entries("losses"))
def test_losses_against_torch_and_autograd(name):
    generator = torch.Generator().manual_seed(1)
    z = (4 * torch.randn(7, 10, dtype=torch.float64, generator=generator)).requires_grad_()
    targets = torch.eye(10, dtype=torch.float64)[torch.randint(0, 10, (7,), generator=generator)]
    expected = reference.mean_cost(name, z, targets)
    (delta,) = torch.autograd.grad(expected * len(z), z)
    loss = getattr(losses, name)(z.detach(), targets)
    torch.testing.assert_close(loss.cost().mean(), expected.detach(), rtol=1e-12, atol=0)
    torch.testing.assert_close(loss.delta, delta, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("name", ["cross_entropy", "softmax_cross_entropy"])
def test_cost_of_confident_mistakes_is_finite(name):
    z = torch.tensor([[200.0] + [-200.0] * 9])
    targets = torch.eye(10)[[3]]
    assert torch.isfinite(getattr(losses, name)(z, targets).cost()).all()
