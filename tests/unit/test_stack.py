"""How runs are stacked, and the parts of a stack that have a twin."""

from dataclasses import replace

import pytest
import torch
import training

from gradgrid.core.entries import Entry
from gradgrid.core.errors import GradgridError
from gradgrid.core.plan import Run
from gradgrid.core.resources import largest_stack
from gradgrid.train import optimizers, products
from gradgrid.train.device import find_device
from gradgrid.train.hidden import Hidden
from gradgrid.train.network import StackedNetwork, stack_multiple
from gradgrid.train.stack import Stack, alike
from gradgrid.train.updates import DenseUpdate, SparseDescent

IMAGES = training.images_of(training.dataset(images=57))


def test_runs_are_grouped_by_seed_optimizer_and_form_and_cut_into_even_parts():
    rates = [0.01, 0.02, 0.03, 0.04, 0.05]
    sgd = [Run(training.cell(learning_rate=rate), 0) for rate in rates]
    adam = [Run(training.cell(optimizer=Entry("adam"), learning_rate=rate), 0) for rate in rates[:2]]
    decaying = [Run(training.cell(learning_rate=2.0), 0)]
    normalized = [
        Run(training.cell(normalization=Entry("batch"), learning_rate=rate), 0) for rate in rates[:2]
    ]
    residual = [Run(training.cell(residual=True), 0)]
    another_seed = [replace(run, seed=1) for run in sgd[:2]]
    mixed = [*sgd, *adam, *normalized, *decaying, *residual, *another_seed]
    parts = alike(mixed, decay=0.3, largest=4)
    assert parts == [sgd[:3], sgd[3:], adam, normalized, decaying, residual, another_seed]


def test_sparse_descent_is_the_dense_update_of_sgd():
    clippings = [None, Entry.of("norm", {"threshold": 0.5}), Entry.of("value", {"threshold": 1e-3})]
    runs = [Run(training.cell(clipping=clipping), 0) for clipping in clippings]
    parameters = [training.initial(run, IMAGES) for run in runs]
    stacks = [Stack(runs, parameters, "cross_entropy", 0.1, (10, 7)) for _ in range(2)]
    assert isinstance(stacks[0].update, SparseDescent)
    stacks[1].update = DenseUpdate(stacks[0].update.rates, optimizers.sgd)
    for steps in IMAGES.training.minibatches(training.order(57), 10):
        for minibatch in steps:
            clipped = [stack.step(minibatch).clipped[0, : len(runs)] for stack in stacks]
            assert torch.equal(*clipped)
    for run in range(len(runs)):
        torch.testing.assert_close(
            *(stack.network.parameters(run) for stack in stacks), rtol=1e-10, atol=1e-13
        )


def test_folding_changes_no_weight():
    run = Run(training.cell(), 0)
    network = Stack([run], [training.initial(run, IMAGES)], "cross_entropy", 0.1).network
    network.shrink(torch.full((network.stacked, 1, 1), 0.25, dtype=torch.float64))
    before = network.parameters(0)
    network.fold()
    torch.testing.assert_close(network.parameters(0), before, rtol=1e-15, atol=0)
    assert (network.scale == 1).all()
    torch.testing.assert_close(before[0][0], training.initial(run, IMAGES)[0][0] * 0.75)


def test_parameters_come_back_from_the_stack():
    runs = [Run(training.cell(), seed) for seed in range(3)]
    parameters = [training.initial(run, IMAGES) for run in runs]
    network = StackedNetwork.of(parameters, Hidden(lambda z: (z, z)))
    for run, expected in enumerate(parameters):
        torch.testing.assert_close(network.parameters(run), expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("width", "images", "expected"), [(30, (10,), 8), (30, (7,), 16), (33, (1,), 32), (32, (1,), 16)]
)
def test_stacks_fill_vector_registers(width, images, expected):
    parameters = [(torch.zeros(width, 784), torch.zeros(width)), (torch.zeros(10, width), torch.zeros(10))]
    assert stack_multiple(parameters, images) == expected


@pytest.mark.parametrize("rows", [1, 7, 10])
def test_products_with_and_without_gaps(rows):
    a, b, bias = torch.randn(5, rows, 7), torch.randn(5, 7, 3), torch.randn(5, 1, 3)
    torch.testing.assert_close(products.product(a, b), a @ b)
    torch.testing.assert_close(products.affine(bias, a, b), bias + a @ b)
    found = products.product(b.mT, a.mT)
    torch.testing.assert_close(found, b.mT @ a.mT)
    assert found.stride(0) * found.element_size() % 16 == 0


def test_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert find_device("auto") == find_device("cpu") == torch.device("cpu")
    with pytest.raises(GradgridError, match="device cuda: PyTorch finds no CUDA device here"):
        find_device("cuda")


@pytest.mark.parametrize(("depth", "width", "expected"), [(1, 30, 64), (8, 400, 13), (1000, 1000, 1)])
def test_stacks_are_bounded_by_memory(depth, width, expected):
    assert largest_stack(depth, width) == expected
