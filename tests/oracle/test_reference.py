"""The stacked network computes what the plain PyTorch loop computes: float64, several steps, every entry."""

import pytest
import torch
import training

from gradgrid.core.entries import Entry
from gradgrid.core.plan import Run
from gradgrid.core.registry import entries

IMAGES = training.images_of(training.dataset(images=57))
DECAY = 5.0 / 57


def assert_same_as_reference(runs, loss="cross_entropy", size=10, decay=DECAY):
    found = training.stacked_parameters(runs, IMAGES, loss, decay, size)
    for run, parameters in zip(runs, found, strict=True):
        expected = training.reference_parameters(run, IMAGES, loss, decay, size)
        torch.testing.assert_close(parameters, expected, rtol=1e-9, atol=1e-11)
        assert not torch.equal(parameters[0][0], training.initial(run, IMAGES)[0][0]), "nothing was learned"


def levels(registry):
    return [Entry(name) for name in entries(registry)]


@pytest.mark.parametrize("activation", levels("activations"), ids=lambda entry: entry.name)
def test_every_activation(activation):
    assert_same_as_reference([Run(training.cell(activation=activation, depth=depth), 0) for depth in (3,)])


def test_activations_with_parameters():
    for activation in (Entry.of("leaky_relu", {"negative_slope": 0.3}), Entry.of("elu", {"alpha": 0.5})):
        assert_same_as_reference([Run(training.cell(activation=activation), 0)])
    for activation in (Entry.of("softplus", {"beta": 2.0}), Entry.of("sigmoid", {"steepness": 4.0})):
        assert_same_as_reference([Run(training.cell(activation=activation), 0)])


def test_every_initializer_side_by_side():
    assert_same_as_reference([Run(training.cell(initializer=entry), 0) for entry in levels("initializers")])


@pytest.mark.parametrize("loss", entries("losses"))
@pytest.mark.parametrize("depth", [1, 4])
def test_every_loss(loss, depth):
    assert_same_as_reference([Run(training.cell(depth=depth), seed) for seed in range(2)], loss)


@pytest.mark.parametrize("optimizer", levels("optimizers"), ids=lambda entry: entry.name)
@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 10, 57])
def test_every_optimizer_clipping_and_learning_rate_side_by_side(optimizer, size):
    clippings = [None]
    clippings += [Entry.of("norm", {"threshold": t}) for t in (0.3, 1.0, 1e9)]
    clippings += [Entry.of("value", {"threshold": t}) for t in (1e-3, 0.1)]
    rate = 0.01 if optimizer.name == "adam" else 0.1
    cells = [
        training.cell(optimizer=optimizer, clipping=clipping, learning_rate=r)
        for clipping in clippings
        for r in (rate, rate / 10)
    ]
    assert_same_as_reference([Run(cell, 0) for cell in cells], size=size)


def test_optimizers_with_parameters():
    given = {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3}
    for optimizer in (Entry.of("momentum", {"momentum": 0.5}), Entry.of("adam", given)):
        assert_same_as_reference([Run(training.cell(optimizer=optimizer, learning_rate=0.01), 0)])


def test_weight_decay_strong_enough_to_need_the_dense_update():
    assert_same_as_reference([Run(training.cell(learning_rate=0.5), 0)], decay=0.9)
