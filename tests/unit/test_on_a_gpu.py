"""Training on a GPU, as far as it can be seen without one: where its tensors are, and how much memory they take.

PyTorch's fake tensors have a device, a shape and a type, and nothing in them; an operation on tensors of two devices
fails as it would on a GPU.
"""

import copy
import dataclasses
from functools import partial

import numpy as np
import pytest
import torch
import training
from held import Held
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gradgrid.core.config import Training
from gradgrid.core.entries import Entry
from gradgrid.core.plan import Run
from gradgrid.core.registry import entries
from gradgrid.core.resources import run_bytes
from gradgrid.train.dense import DenseStack
from gradgrid.train.evaluation import evaluate
from gradgrid.train.pixels import TrainingImages
from gradgrid.train.probes import measure
from gradgrid.train.replay import ReplayedSteps
from gradgrid.train.runs import largest_stack, largest_stack_on, stacks_on
from gradgrid.train.stack import Stack
from gradgrid.train.trainer import train

# copying one looks at where its data is, which it has nowhere
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor")

CUDA = torch.device("cuda")
IMAGES = training.images_of(training.dataset(images=57))
CLIPPINGS = [None, Entry.of("norm", {"threshold": 0.1}), Entry.of("value", {"threshold": 0.1})]
LEVELS = [
    *({"activation": Entry(name)} for name in entries("activations")),
    *({"optimizer": Entry(name)} for name in entries("optimizers")),
    *({"normalization": Entry(name), "residual": True} for name in entries("normalization")),
]


def moved(thing, move):
    """The same with every tensor in it moved."""
    if isinstance(thing, torch.Tensor):
        return move(thing)
    if isinstance(thing, list | tuple):
        return [moved(part, move) for part in thing]
    if isinstance(thing, dict):
        return {name: moved(part, move) for name, part in thing.items()}
    if isinstance(thing, TrainingImages):
        return TrainingImages(thing.images.toarray(), move(thing.targets))
    if dataclasses.is_dataclass(thing):
        parts = {field.name: moved(getattr(thing, field.name), move) for field in dataclasses.fields(thing)}
        return dataclasses.replace(thing, **parts)
    return thing


def devices(*tensors):
    return {tensor.device.type for tensor in tensors}


def pass_through_training(runs, own_images, move=lambda mode, tensor: mode.from_tensor(tensor).to(CUDA)):
    """Everything that a training does, on fake tensors."""
    drawn = [training.initial(run, IMAGES) for run in runs]
    with torch.inference_mode(), FakeTensorMode(allow_non_fake_inputs=True) as mode:
        images, parameters = moved(IMAGES, partial(move, mode)), moved(drawn, partial(move, mode))
        stack = Stack(runs, parameters, "cross_entropy", 5.0 / 57, [10, 7, *images.sizes()], own_images)
        before = copy.deepcopy(stack)
        if own_images:
            steps = images.training.own_minibatches(np.arange(57)[None], 10, stack.network.stacked)
        else:
            steps = images.training.minibatches(np.arange(57), 10)
        for minibatch in [minibatch for some in steps for minibatch in some]:
            clipping = stack.step(minibatch)
            assert clipping is None or devices(clipping.norms, clipping.clipped) == {"cuda"}
            stack.network.fold()
        assert devices(*stack.network.state(), stack.network.finite()) == {"cuda"}
        assert devices(*measure(stack, images.probes, 1.0).values()) == {"cpu"}
        assert devices(*evaluate(stack, images.splits["test"])) == {"cpu"}
        state = moved(before.state(), lambda tensor: tensor.cpu())
        stack.restore(state)
        assert devices(*stack.network.state()) == {"cuda"}


@pytest.mark.parametrize("changes", LEVELS, ids=str)
def test_all_of_a_training_is_on_the_device(changes):
    pass_through_training([Run(training.cell(clipping=each, **changes), 0) for each in CLIPPINGS], False)


def test_all_of_a_training_on_own_images_is_on_the_device():
    pass_through_training([Run(training.cell(), 0)], True)


class OnCuda(TorchDispatchMode):
    """Fails at an operation that a CUDA graph cannot hold: one that has a tensor elsewhere, or makes the host wait.

    That which makes shapes depend on values, PyTorch's fake tensors themselves refuse.
    """

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        tensors = [leaf for leaf in tree_leaves((args, kwargs, made)) if isinstance(leaf, torch.Tensor)]
        assert devices(*tensors) <= {"cuda"}, f"{func} leaves the device"
        return made


def stepped_on_fakes(runs, parts):
    """The two steps of a dense stack that are captured, on fake tensors."""
    monkey = pytest.MonkeyPatch()
    for name in ("graph_pool_handle", "Stream"):
        monkey.setattr(torch.cuda, name, lambda: None)
    drawn = [training.initial(run, IMAGES) for run in runs]
    with monkey.context(), torch.inference_mode(), FakeTensorMode(allow_non_fake_inputs=True) as mode:
        images, parameters = (
            moved(thing, lambda tensor: mode.from_tensor(tensor).to(CUDA)) for thing in (IMAGES, drawn)
        )
        stack = DenseStack(runs, parameters, "cross_entropy", 5.0 / 57, parts)
        steps = ReplayedSteps(stack, images.training, 10)
        steps.begin(np.zeros((parts, 57), dtype=np.int64))
        steps.step(10)  # what lasts is made in the first, and the images are brought
        with OnCuda():
            steps.step(10)
            steps.step(7)
        assert devices(*measure(stack, images.probes, 1.0).values()) == {"cpu"}
        assert devices(*evaluate(stack, images.splits["test"])) == {"cpu"}
        state = moved(copy.deepcopy(stack).state(), lambda tensor: tensor.cpu())
        stack.restore(state)
        with OnCuda():
            steps.step(10)
    monkey.undo()


@pytest.mark.parametrize("changes", LEVELS, ids=str)
def test_a_graph_can_hold_the_steps_of_a_dense_stack(changes):
    cells = [training.cell(clipping=each, **changes) for each in CLIPPINGS]
    stepped_on_fakes([Run(cell, seed) for seed in (0, 1) for cell in cells], 2)


def wait(z):
    return z * z.max().item(), z


def count(z):
    return z * len(z.nonzero()), z


def leave(z):
    return z.cpu().to(z.device), z


@pytest.mark.parametrize("wrong", [wait, count, leave])
def test_a_step_that_no_graph_can_hold_is_found(wrong, monkeypatch):
    monkeypatch.setattr("gradgrid.train.hidden.activation_function", lambda entry: wrong)
    with pytest.raises((AssertionError, DataDependentOutputException, DynamicOutputShapeException)):
        stepped_on_fakes([Run(training.cell(), 0), Run(training.cell(), 1)], 2)


def test_a_tensor_left_behind_is_found():
    def but_for_biases(mode, tensor):
        fake = mode.from_tensor(tensor)
        return fake if tensor.shape == (6,) else fake.to(CUDA)

    with pytest.raises(RuntimeError, match="device"):
        pass_through_training([Run(training.cell(), 0)], False, but_for_biases)


def test_stacks_on_a_gpu_are_bounded_by_its_free_memory(monkeypatch):
    def largest(gibibytes, **changes):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (int(gibibytes * 2**30), 80 * 2**30))
        return largest_stack_on(torch.device("cuda"), training.cell(**changes), 10)

    assert largest(16, depth=4, width=30) == largest(79, depth=4, width=30) == 4096
    held = largest(4, depth=4, width=30)
    assert held * run_bytes(4, 30, 10) <= 2 * 2**30 < (held + 1) * run_bytes(4, 30, 10)
    assert largest(0.001, depth=4, width=30) == 1
    assert largest_stack_on(torch.device("cpu"), training.cell(depth=1, width=30), 10) == largest_stack(1, 30)


def test_seeds_share_a_stack_on_a_gpu_alone(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2**34, 2**34))
    runs = [Run(training.cell(learning_rate=rate), seed) for seed in (0, 1) for rate in (0.1, 0.2)]
    assert stacks_on(CUDA, runs, 57, Training()) == [runs]
    assert stacks_on(torch.device("cpu"), runs, 57, Training()) == [runs[:2], runs[2:]]


@pytest.mark.parametrize(
    "changes",
    [
        {"depth": 1, "width": 30},
        {"depth": 4, "width": 30, "clipping": Entry.of("norm", {"threshold": 1.0})},
        {"depth": 4, "width": 30, "optimizer": Entry("adam"), "learning_rate": 0.001},
    ],
)
@pytest.mark.parametrize(
    ("seeds", "least", "most"), [pytest.param(1, 0.85, 1.25, marks=pytest.mark.slow), (2, 0.75, 1.4)]
)
def test_a_run_takes_the_memory_that_is_reckoned_with(changes, seeds, least, most):
    images = training.images_of(training.dataset(images=1000), torch.float32)
    recipe = images, Training(digits_epochs=1, minibatch=100), lambda amount: None
    peaks = []
    for count in (16, 32):
        initializers = [Entry.of("normal", {"std": 0.01 * (i + 1)}) for i in range(count)]
        cells = [training.cell(initializer=each, **changes) for each in initializers]
        with Held() as held:
            train([Run(cell, seed) for seed in range(seeds) for cell in cells[::seeds]], *recipe)
        peaks.append(held.peak)
    reckoned = run_bytes(changes["depth"], changes["width"], 100)
    assert least < (peaks[1] - peaks[0]) / 16 / reckoned < most
