"""Initializers against torch.nn.init on the same generator, and against their formulas."""

import math

import pytest
import torch
import training
from torch.nn import init

from gradgrid.core.entries import Entry
from gradgrid.core.plan import Run
from gradgrid.core.registry import entries
from gradgrid.train import initializers
from gradgrid.train.gains import gain
from gradgrid.train.initialization import initialize

SHAPE = (200, 300)
GAIN = 5 / 3
IN_TORCH = {
    "normal": lambda w, g: init.normal_(w, generator=g),
    "uniform": lambda w, g: init.uniform_(w, generator=g),
    "constant": lambda w, g: init.constant_(w, 0.1),
    "identity": lambda w, g: init.eye_(w),
    "orthogonal": lambda w, g: init.orthogonal_(w, GAIN, generator=g),
    "xavier_uniform": lambda w, g: init.xavier_uniform_(w, GAIN, generator=g),
    "xavier_normal": lambda w, g: init.xavier_normal_(w, GAIN, generator=g),
    "kaiming_uniform": lambda w, g: init.kaiming_uniform_(w, nonlinearity="tanh", generator=g),
    "kaiming_normal": lambda w, g: init.kaiming_normal_(w, nonlinearity="tanh", generator=g),
    "torch_default": lambda w, g: init.kaiming_uniform_(w, a=math.sqrt(5), generator=g),
    "trunc_normal": lambda w, g: init.trunc_normal_(w, std=0.02, a=-0.04, b=0.04, generator=g),
    "lecun_normal": lambda w, g: init.normal_(w, std=w.shape[1] ** -0.5, generator=g),
}


def draw(seed=0, inputs=None):
    return initializers.Draw(torch.Generator().manual_seed(seed), GAIN, lambda: inputs)


def drawn(name, seed=0, inputs=None, shape=SHAPE, **parameters):
    weight = torch.full(shape, torch.nan)
    getattr(initializers, name)(weight, draw(seed, inputs), **parameters)
    return weight


@pytest.mark.parametrize("name", IN_TORCH)
def test_same_as_torch_on_the_same_generator(name):
    expected = torch.empty(SHAPE)
    IN_TORCH[name](expected, torch.Generator().manual_seed(3))
    torch.testing.assert_close(drawn(name, seed=3), expected, rtol=1e-6, atol=1e-8)


def test_every_initializer_is_covered_here():
    assert set(entries("initializers")) == {*IN_TORCH, "sparse", "lsuv"}


@pytest.mark.parametrize("name", [name for name in entries("initializers") if name != "lsuv"])
def test_the_global_generator_is_neither_read_nor_moved(name):
    torch.manual_seed(1)
    first, state = drawn(name), torch.get_rng_state()
    torch.manual_seed(2)
    assert torch.equal(first, drawn(name))
    torch.manual_seed(1)
    assert torch.equal(state, torch.get_rng_state())


def test_sparse_zeros_a_share_of_every_column():
    weight = drawn("sparse", sparsity=0.3)
    assert ((weight == 0).sum(0) == 60).all()
    assert weight[weight != 0].std() == pytest.approx(0.01, rel=0.02)


@pytest.mark.parametrize("name", ["kaiming_normal", "xavier_normal", "lecun_normal"])
def test_normal_initializers_share_their_draws(name):
    standard = drawn("normal")
    ratio = drawn(name) / standard
    torch.testing.assert_close(ratio, ratio[0, 0].expand(SHAPE), rtol=1e-5, atol=0)


def test_lsuv_gives_unit_variance_on_its_inputs():
    inputs = 3 + 5 * torch.rand(400, SHAPE[1], generator=torch.Generator().manual_seed(1))
    weight = drawn("lsuv", inputs=inputs)
    assert (inputs @ weight.T).var(correction=0) == pytest.approx(1, abs=0.02)
    ratio = weight / drawn("orthogonal") * GAIN
    torch.testing.assert_close(ratio, ratio[0, 0].expand(SHAPE), rtol=1e-3, atol=0)


def test_lsuv_of_dead_inputs_stays_orthonormal():
    weight = drawn("lsuv", inputs=torch.zeros(10, SHAPE[1]))
    torch.testing.assert_close(weight @ weight.T, torch.eye(SHAPE[0]), rtol=0, atol=1e-5)


def test_lsuv_of_a_whole_network_reaches_every_hidden_layer():
    images = training.images_of(training.dataset(images=300), torch.float32)
    cell = training.cell(initializer=Entry("lsuv"), activation=Entry("relu"), depth=3, width=40)
    a = images.probes.dense
    for weight, bias in initialize(Run(cell, 0), "normal", a, training.CLASSES):
        z = a @ weight.T
        assert z.var(correction=0) == pytest.approx(1, abs=0.03)
        a = (z + bias).clamp(min=0)


def parameters_of(seed=0, **changes):
    images = training.images_of(training.dataset(images=20), torch.float32)
    return initialize(Run(training.cell(**changes), seed), "normal", images.probes.dense, training.CLASSES)


def test_cells_are_paired_by_seed():
    one, other = parameters_of(depth=3), parameters_of(depth=3, activation=Entry("relu"))
    for (w1, b1), (w2, b2) in zip(one, other, strict=True):
        assert torch.equal(w1, w2)
        assert torch.equal(b1, b2)
    deeper = parameters_of(depth=4)
    assert all(torch.equal(a[0], b[0]) for a, b in zip(one[:3], deeper[:3], strict=True))


def test_seeds_and_layers_differ():
    one, other = parameters_of(seed=0, depth=3), parameters_of(seed=1, depth=3)
    assert not torch.equal(one[0][0], other[0][0])
    assert not torch.equal(one[1][0], one[2][0])
    assert not torch.equal(one[1][1], one[2][1])


def test_gain_follows_the_activation_and_is_one_before_the_outputs():
    tanh = parameters_of(depth=2, activation=Entry("tanh"), initializer=Entry("kaiming_normal"))
    relu = parameters_of(depth=2, activation=Entry("relu"), initializer=Entry("kaiming_normal"))
    ratio = gain(Entry("tanh")) / gain(Entry("relu"))
    torch.testing.assert_close(tanh[0][0], relu[0][0] * ratio)
    torch.testing.assert_close(tanh[2][0], relu[2][0])


def test_biases_zero_or_standard_normal():
    images = training.images_of(training.dataset(images=20), torch.float32)
    run = Run(training.cell(width=5000, depth=1), 0)
    zero = initialize(run, "zero", images.probes.dense, training.CLASSES)
    assert all((b == 0).all() for _, b in zero)
    (_, bias), _ = initialize(run, "normal", images.probes.dense, training.CLASSES)
    assert bias.mean() == pytest.approx(0, abs=0.05)
    assert bias.std() == pytest.approx(1, abs=0.05)
