"""The training loop: a stack of runs from initialization to its last epoch."""

import copy
import itertools
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch

from gradgrid.core.config import Training
from gradgrid.core.plan import Run
from gradgrid.core.schedule import epochs, measured_steps, steps_per_epoch
from gradgrid.core.seeds import derive
from gradgrid.train.compiled import CompiledStack, why_not
from gradgrid.train.divergence import Divergence, at_initialization, locate
from gradgrid.train.evaluation import evaluate
from gradgrid.train.gains import largest_slope
from gradgrid.train.images import CLASSES, Images
from gradgrid.train.initialization import initialize
from gradgrid.train.network import OwnImagesNetwork
from gradgrid.train.pixels import Minibatch, OwnMinibatch
from gradgrid.train.probes import measure
from gradgrid.train.records import Records
from gradgrid.train.stack import Stack, StepClipping

_LOG = logging.getLogger(__name__)

_STEPS_AT_ONCE = 500
"""Steps that the compiled kernel takes between two reports of progress."""

Progress = Callable[[int], None]
"""Told the number of run-steps just taken."""
TrainingState = dict[str, Any]
"""Everything that the rest of a training needs, as tensors and plain values: orders and draws derive from names."""


class Checkpoint(Protocol):
    """Where the state of a training at the end of its epochs is kept, so that it can go on from there."""

    def take(self) -> TrainingState | None:
        """The state to go on from; None: begin at the beginning."""

    def end_epoch(self, epoch: int, state: Callable[[], TrainingState]) -> None:
        """Keep the state at the end of an epoch, if it is time to."""


@torch.inference_mode()
def train(
    runs: Sequence[Run],
    images: Images,
    training: Training,
    progress: Progress,
    own_images: bool = False,
    checkpoint: Checkpoint | None = None,
    compiled: bool = True,
) -> Records:
    """Train runs that can be stacked (stack.py) and return what was measured of them.

    All runs have one seed and see the same minibatches, or each sees those of its seed (``own_images``).
    Steps are taken by the compiled kernel where it can (compiled.py), unless ``compiled`` is False.
    Going on from a ``checkpoint`` gives, bit for bit, what an undisturbed training gives.
    """
    loop = _begin(runs, images, training, own_images, compiled)
    loop.start(checkpoint.take() if checkpoint else None)
    for epoch in range(loop.epoch + 1, epochs(training, images.name) + 1):
        orders = [data_order(run.seed, epoch, images.size) for run in (runs if own_images else runs[:1])]
        for steps in loop.train_epoch(orders):
            progress(steps * len(runs))
        loop.end_epoch(epoch)
        if checkpoint:
            checkpoint.end_epoch(epoch, loop.state)
    return loop.records


def data_order(seed: int, epoch: int, images: int) -> np.ndarray:
    """The order [images] in which a seed's runs see the training images in an epoch."""
    generator = torch.Generator().manual_seed(derive("order", seed, epoch))
    return torch.randperm(images, generator=generator).numpy()


def untrained(runs: Sequence[Run], images: Images, training: Training, own_images: bool = False) -> Stack:
    """Runs that can be stacked before their first step: initialized, and stacked on the device of the images."""
    like = images.training.targets
    drawn = [initialize(run, training.bias, images.probes.dense.float(), CLASSES) for run in runs]
    parameters = [[(w.to(like), b.to(like)) for w, b in layers] for layers in drawn]
    last_minibatch = images.size % training.minibatch or training.minibatch
    sizes = sorted({training.minibatch, last_minibatch, *images.sizes()})
    return Stack(runs, parameters, training.loss, training.weight_decay / images.size, sizes, own_images)


def _begin(
    runs: Sequence[Run], images: Images, training: Training, own_images: bool, compiled: bool
) -> "_Loop":
    """Initialize the runs and stack them."""
    stack = untrained(runs, images, training, own_images)
    per_epoch = steps_per_epoch(training, images.name, images.size)
    records = Records(runs, images.name, per_epoch)
    last_step = per_epoch * epochs(training, images.name)
    measured = measured_steps(training, images.name, images.size)
    decay = training.weight_decay / images.size
    reason = (
        why_not(runs, training.loss, decay, images.training.targets) if compiled else "it is not asked for"
    )
    diverged = at_initialization(stack)
    if reason is None:
        stack = CompiledStack(stack, images.training, training.minibatch, decay)
    else:
        _LOG.info("PyTorch takes the steps: %s", reason)
    loop = _StackedLoop if reason else _CompiledLoop
    return loop(stack, images, records, training.minibatch, last_step, frozenset(measured), diverged)


@dataclass
class _Loop(ABC):
    """The state of a training loop; ``diverged`` are the runs that have before their first step."""

    stack: Stack | CompiledStack
    images: Images
    records: Records
    minibatch: int
    last_step: int
    measured: frozenset[int]
    diverged: dict[int, Divergence]
    clipping: list[StepClipping] = field(default_factory=list)
    taken: int = 0

    @property
    def epoch(self) -> int:
        """Epochs behind us."""
        return self.taken // self.records.steps_per_epoch

    def state(self) -> TrainingState:
        """The state at the end of an epoch."""
        return {"stack": self.stack.state(), "records": self.records.state(), "taken": self.taken}

    def start(self, state: TrainingState | None) -> None:
        """Go on from a state, or measure the runs before their first step."""
        if state is None:
            self.records.diverged |= self.diverged
            self.measure(0)
        else:
            self.stack.restore(state["stack"])
            self.records.restore(state["records"])
            self.taken = state["taken"]

    @abstractmethod
    def train_epoch(self, orders: Sequence[np.ndarray]) -> Iterator[int]:
        """Take an epoch's steps, in the one order [n] of all runs or each run's own; measure where it is due.

        Yields the number of steps just taken, some at a time.
        """

    def took(self, steps: int, clipping: StepClipping | None) -> None:
        """Some steps have been taken; what clipping did in them."""
        if clipping is not None:
            self.clipping.append(clipping)
        self.taken += steps
        self.measure(self.taken)

    def measure(self, step: int) -> None:
        """Measure gradients and accuracy where they are due after ``step`` updates."""
        if step in self.measured:
            slope = largest_slope(self.stack.runs[0].cell.activation)
            self.records.add_gradients(step, measure(self.stack, self.images.probes, slope))
        if step % self.records.steps_per_epoch == 0:
            splits = ("train", "validation", "test") if step == self.last_step else ("train", "validation")
            for split in splits:
                self.records.add_accuracy(step, split, *evaluate(self.stack, self.images.splits[split]))

    def end_epoch(self, epoch: int) -> None:
        """Sum up what clipping did in an epoch."""
        if self.clipping:
            norms = torch.cat([steps.norms for steps in self.clipping])
            clipped = torch.cat([steps.clipped for steps in self.clipping])
            self.records.add_clipping(epoch, norms, clipped)
            self.clipping.clear()


class _StackedLoop(_Loop):
    """Steps of a :class:`Stack`."""

    def train_epoch(self, orders: Sequence[np.ndarray]) -> Iterator[int]:
        """See :class:`_Loop`."""
        for steps in self._minibatches(orders):
            before, first = copy.deepcopy(self.stack), self.taken
            for minibatch in steps:
                self.took(1, self.stack.step(minibatch))
            self.stack.network.fold()
            finite = self.stack.network.finite().tolist()
            new = [run for run, good in enumerate(finite) if not good and run not in self.records.diverged]
            if new:
                self.records.diverged |= locate(before, steps, first, new)
            yield len(steps)

    def _minibatches(self, orders: Sequence[np.ndarray]) -> Iterator[Sequence[Minibatch | OwnMinibatch]]:
        training = self.images.training
        if isinstance(self.stack.network, OwnImagesNetwork):
            return training.own_minibatches(np.stack(orders), self.minibatch, self.stack.network.stacked)
        return training.minibatches(orders[0], self.minibatch)


class _CompiledLoop(_Loop):
    """Steps of a :class:`CompiledStack`, many at a time."""

    def train_epoch(self, orders: Sequence[np.ndarray]) -> Iterator[int]:
        """See :class:`_Loop`."""
        first, last = self.taken, self.taken + self.records.steps_per_epoch
        stops = {
            *range(first, last, _STEPS_AT_ONCE),
            *(step for step in self.measured if first < step < last),
        }
        for begin, end in itertools.pairwise([*sorted(stops), last]):
            chosen = slice((begin - first) * self.minibatch, (end - first) * self.minibatch)
            clipping = self.stack.train([order[chosen] for order in orders])
            self.records.diverged |= self.stack.diverged
            self.took(end - begin, clipping)
            yield end - begin
