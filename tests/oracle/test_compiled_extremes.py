"""The compiled kernel where numbers become too small or too large."""

import copy

import kernel_runs
import numpy as np
import pytest
import torch
import training
from kernel_runs import CLIPPINGS, DECAY, HUGE, IMAGES, WIDE, activated, parameters, tables_of

from gradgrid.core.entries import Entry
from gradgrid.core.plan import Run
from gradgrid.train.compiled import CompiledStack
from gradgrid.train.divergence import Divergence, locate
from gradgrid.train.pixels import TrainingImages
from gradgrid.train.stack import Stack

pytestmark = kernel_runs.built

BLACK = TrainingImages(np.zeros((100, 784), np.float32), torch.eye(10).repeat(10, 1))


def subnormal(values):
    """Where values are so small that processors are slow with them."""
    return (values != 0) & (values.abs() < torch.finfo().tiny)


@pytest.mark.usefixtures("_instruction_set")
def test_weights_that_only_decay_never_become_subnormal():
    runs = [Run(training.cell(optimizer=Entry("adam"), learning_rate=0.01), 0)]
    initial = [training.initial(run, IMAGES) for run in runs]
    stack = CompiledStack(Stack(runs, initial, "cross_entropy", DECAY, (10,)), BLACK, 10, DECAY)
    stack.train([np.tile(np.arange(10), 3000)])
    assert not subnormal(parameters(stack)[0][0]).any()
    assert np.float32(1e-40) * np.float32(0.5) > 0  # here they are still what they were


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_tails_never_become_subnormal(name):
    z = torch.linspace(-110, -5, 1600).view(-1, WIDE)
    for found in activated(Entry(name), z):
        assert not subnormal(found.float()).any()


@pytest.mark.usefixtures("_instruction_set")
def test_adam_leaves_weights_alone_whose_gradient_has_no_finite_square():
    run = Run(training.cell(optimizer=Entry("adam"), activation=Entry("identity")), 0)
    initial = training.initial(run, IMAGES)
    initial[-1][0].fill_(1e25)
    stack = Stack([run], [initial], "cross_entropy", DECAY, (10,))
    found = CompiledStack(stack, IMAGES.training, 10, DECAY)
    found.train([np.arange(50)])
    for minibatch in (step for some in IMAGES.training.minibatches(np.arange(50), 10) for step in some):
        stack.step(minibatch)
    for one, other in zip(parameters(found)[0], parameters(stack)[0], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=0)
    assert torch.equal(parameters(found)[0][1], initial[0][1])


@pytest.mark.usefixtures("_instruction_set")
def test_adam_diverges_by_a_gradient_that_is_infinite():
    run = Run(training.cell(optimizer=Entry("adam"), activation=Entry("identity")), 0)
    initial = training.initial(run, IMAGES)
    initial[0][0].mul_(1e19)
    initial[1][0].fill_(0.0)
    initial[2][0].fill_(1e25)
    stack = CompiledStack(Stack([run], [initial], "cross_entropy", DECAY, (1,)), IMAGES.training, 1, DECAY)
    stack.train([np.arange(1)])
    assert stack.diverged == {0: Divergence(1, 2)}


@pytest.mark.parametrize("clipping", CLIPPINGS)
@pytest.mark.parametrize("activation", ["relu", "identity", "sigmoid"])
def test_runs_diverge_where_the_stack_diverges(activation, clipping):
    """So much is out of range, before the output layer, that the order and the rounding of sums do not matter."""
    initializers = [HUGE, Entry.of("normal", {"std": 1e14}), Entry.of("constant", {"value": 1e30})]
    cells = [
        training.cell(
            activation=Entry(activation), initializer=i, clipping=clipping, depth=3, learning_rate=0.5
        )
        for i in initializers
    ]
    runs = [Run(cell, 0) for cell in cells]
    columns = ["status", "diverged_at_step", "diverged_layer"]
    found, expected = (tables_of(runs, kernel)["runs"][columns] for kernel in (True, False))
    assert found.equals(expected)


def divergence(resting, other, optimizer, kernel):
    """Where a run diverges by weight decay, of which a weight that no image needs and one of layer 2 are given."""
    decay, order = 1000.0, np.arange(100)
    run = Run(training.cell(optimizer=Entry(optimizer), learning_rate=0.1), 0)
    initial = training.initial(run, IMAGES)
    initial[0][0][3, 700], initial[1][0][2, 1] = resting, other
    stack = Stack([run], [initial], "cross_entropy", decay, (2,))
    if kernel:
        stack = CompiledStack(stack, BLACK, 2, decay)
        stack.train([order])
        return stack.diverged[0]
    before, steps = copy.deepcopy(stack), [step for some in BLACK.minibatches(order, 2) for step in some]
    return locate(before, steps, 0, [0])[0]


@pytest.mark.usefixtures("_instruction_set")
@pytest.mark.parametrize("optimizer", ["momentum", "nesterov"])
@pytest.mark.parametrize("other", [0.1, 1e20, 1e32, 3e38])
def test_weights_that_no_image_needs_diverge_where_they_do_in_the_stack(optimizer, other):
    """Before, with and after a weight of another layer."""
    for resting in (0.1, 1e20, 1e32, 3e38):
        found, expected = (divergence(resting, other, optimizer, kernel) for kernel in (True, False))
        assert found == expected, resting
