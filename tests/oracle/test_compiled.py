"""The compiled kernel: the plain loop's numbers, by every instruction set of this processor."""

import kernel_runs
import numpy as np
import pytest
import torch
import training
from kernel_runs import (
    CLIPPINGS,
    DECAY,
    EXACT,
    NORM,
    VALUE,
    WIDE,
    activated,
    compiled_stack,
    parameters,
    tables_of,
)

from gradgrid.core.entries import Entry
from gradgrid.core.kernel import ACTIVATIONS
from gradgrid.core.plan import Run
from gradgrid.core.registry import entries
from gradgrid.train import activations
from gradgrid.train.probes import layer_norms
from gradgrid.train.stack import Stack

pytestmark = kernel_runs.built


def assert_trains_like_the_plain_loop(cells, loss="cross_entropy", decay=DECAY, size=10, tolerance=2e-5):
    """Compare every parameter after an epoch with double precision's, in units of the tensor's largest."""
    runs = [Run(cell, seed) for seed, cell in enumerate(cells)]
    stack = compiled_stack(runs, loss, decay, size)
    stack.train([training.order(57)])
    for run, found in zip(runs, parameters(stack), strict=True):
        expected = [
            t for layer in training.reference_parameters(run, EXACT, loss, decay, size) for t in layer
        ]
        for one, other in zip(found, expected, strict=True):
            largest = other.abs().max().item()
            np.testing.assert_allclose(
                one.double(), other, rtol=0, atol=tolerance * largest, err_msg=str(run.cell)
            )


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize(
    "activation",
    [
        *map(Entry, ACTIVATIONS),
        Entry.of("sigmoid", {"steepness": 3.0}),
        Entry.of("leaky_relu", {"negative_slope": 0.3}),
        Entry.of("elu", {"alpha": 0.4}),
    ],
    ids=lambda entry: entry.label,
)
def test_every_activation(activation):
    assert_trains_like_the_plain_loop([training.cell(activation=activation, clipping=c) for c in CLIPPINGS])


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize("loss", entries("losses"))
@pytest.mark.parametrize("size", [1, 7, 10, 57])
def test_every_loss_and_odd_minibatches(loss, size):
    cells = [training.cell(clipping=clipping, learning_rate=0.05) for clipping in CLIPPINGS]
    assert_trains_like_the_plain_loop(cells, loss, size=size)


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("width", [1, 16, 17, 30, 100])
def test_depths_and_widths(depth, width):
    cells = [training.cell(depth=depth, width=width, clipping=clipping) for clipping in CLIPPINGS]
    assert_trains_like_the_plain_loop(cells)


def test_networks_so_large_that_the_sums_of_clipped_gradients_are_not_kept():
    """Over 200,000 parameters, counting upper weights twice (kernel/steps.h)."""
    cells = [training.cell(depth=2, width=320, clipping=clipping) for clipping in CLIPPINGS]
    assert_trains_like_the_plain_loop(cells)


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize("decay", [0.0, DECAY])
@pytest.mark.parametrize(
    "optimizer",
    [
        *map(Entry, entries("optimizers")),
        Entry.of("momentum", {"momentum": 0.5}),
        Entry.of("adam", {"beta1": 0.5, "beta2": 0.9, "epsilon": 1e-3}),
    ],
    ids=lambda entry: entry.label,
)
def test_every_optimizer(optimizer, decay):
    cells = [training.cell(optimizer=optimizer, clipping=c, learning_rate=0.01) for c in CLIPPINGS]
    # adam divides gradients by their own size: the rounding of the smallest counts as much as that of the largest
    assert_trains_like_the_plain_loop(
        cells, decay=decay, tolerance=2e-4 if optimizer.name == "adam" else 2e-5
    )


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_functions_and_slopes_of_all_magnitudes(name):
    """Against double precision, in units of the value where it is above 1."""
    z = torch.cat([torch.linspace(-12, 12, 2000), *(s * torch.logspace(-8, 3, 200) for s in (1, -1))]).view(
        -1, WIDE
    )
    for found, expected in zip(
        activated(Entry(name), z), getattr(activations, name)(z.double()), strict=True
    ):
        assert ((found - expected).abs() / expected.abs().clamp(min=1.0)).max() < 1e-6


def test_clipping_is_told_as_the_stack_tells_it():
    seldom = Entry.of("norm", {"threshold": 2.5}), Entry.of("value", {"threshold": 0.45})
    runs = [Run(training.cell(clipping=c, depth=3, width=30), 0) for c in (NORM, None, VALUE, *seldom)]
    stack = Stack(runs, [training.initial(run, EXACT) for run in runs], "cross_entropy", DECAY, (10, 7))
    order = training.order(57)
    told = [stack.step(minibatch) for some in EXACT.training.minibatches(order, 10) for minibatch in some]
    found = compiled_stack(runs).train([order])
    clips = [0, 2, 3, 4]
    norms = torch.cat([step.norms for step in told])[:, clips]
    torch.testing.assert_close(found.norms[:, clips].double(), norms, rtol=1e-4, atol=0)
    clipped = torch.cat([step.clipped for step in told])[:, clips]
    assert torch.equal(found.clipped[:, clips], clipped)
    assert clipped[:, :2].all()
    assert all(0 < share < 1 for share in clipped[:, 2:].double().mean(0)), clipped
    assert compiled_stack(runs[1:2]).train([order]) is None


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize(("depth", "vanished"), [(3, 1e-9), (30, 1e-25)])
def test_norms_of_layers_before_each_step(depth, vanished):
    """Also where their squares are beyond single precision."""
    runs = [Run(training.cell(clipping=clipping, depth=depth), 0) for clipping in CLIPPINGS]
    stack = Stack(runs, [training.initial(run, EXACT) for run in runs], "cross_entropy", DECAY, (10, 7))
    order, expected = training.order(57), []
    for minibatch in (step for some in EXACT.training.minibatches(order, 10) for step in some):
        trace = stack.forward(minibatch)
        deltas = stack.network.backward(trace)
        norms = layer_norms(stack.network, minibatch, trace, deltas)
        expected.append(torch.stack(norms, 1)[: len(runs)])
        stack.descend(minibatch, trace, deltas)
    expected = torch.stack(expected)
    found = torch.zeros(expected.shape)
    compiled_stack(runs).train([order], found)
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=vanished)
    assert depth < 30 or expected.min() < 1e-22


def test_tables_are_those_of_the_stack():
    runs = [
        Run(training.cell(clipping=clipping, activation=Entry("gelu"), depth=3), 0) for clipping in CLIPPINGS
    ]
    found, expected = tables_of(runs), tables_of(runs, kernel=False)
    for name, table in expected.items():
        for column in table:
            one, other = found[name][column], table[column]
            if other.dtype.kind == "f":
                np.testing.assert_allclose(one, other, rtol=2e-3, atol=1e-6, err_msg=f"{name}.{column}")
            else:
                assert one.tolist() == other.tolist(), f"{name}.{column}"
