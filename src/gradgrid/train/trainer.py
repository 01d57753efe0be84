"""The training loop: a stack of runs from initialization to its last epoch."""

import copy
import itertools
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np
import torch

from gradgrid.core.config import Training
from gradgrid.core.plan import Run
from gradgrid.core.schedule import epochs, measured_steps, steps_per_epoch
from gradgrid.core.seeds import derive
from gradgrid.train.compiled import CompiledStack, why_not
from gradgrid.train.dense import DenseStack, seeds_of
from gradgrid.train.divergence import Divergence, at_initialization, locate
from gradgrid.train.evaluation import evaluate
from gradgrid.train.gains import largest_slope
from gradgrid.train.images import CLASSES, Images
from gradgrid.train.initialization import initialize
from gradgrid.train.network import OwnImagesNetwork, Parameters
from gradgrid.train.pixels import AnyMinibatch, Minibatch, OwnMinibatch
from gradgrid.train.probes import measure
from gradgrid.train.records import Records
from gradgrid.train.replay import AT_ONCE, ReplayedSteps
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

    All runs have one seed and see the same minibatches, or each sees those of its seed (``own_images``); or they stand
    seed by seed, equally many of each (dense.py). Steps are taken by the compiled kernel where it can (compiled.py),
    unless ``compiled`` is False; on CUDA they are replayed (replay.py).
    Going on from a ``checkpoint`` gives, bit for bit, what an undisturbed training gives.
    """
    loop = _begin(runs, images, training, own_images, compiled)
    loop.start(checkpoint.take() if checkpoint else None)
    for epoch in range(loop.epoch + 1, epochs(training, images.name) + 1):
        orders = [data_order(seed, epoch, images.size) for seed in loop.seeds]
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
    parameters = _drawn(runs, images, training)
    last_minibatch = images.size % training.minibatch or training.minibatch
    sizes = sorted({training.minibatch, last_minibatch, *images.sizes()})
    return Stack(runs, parameters, training.loss, training.weight_decay / images.size, sizes, own_images)


def _drawn(runs: Sequence[Run], images: Images, training: Training) -> list[Parameters]:
    like = images.training.targets
    drawn = [initialize(run, training.bias, images.probes.dense.float(), CLASSES) for run in runs]
    return [[(w.to(like), b.to(like)) for w, b in layers] for layers in drawn]


def _begin(
    runs: Sequence[Run], images: Images, training: Training, own_images: bool, compiled: bool
) -> "_Loop":
    """Initialize the runs and stack them."""
    seeds = [run.seed for run in runs] if own_images else seeds_of(runs)
    per_epoch = steps_per_epoch(training, images.name, images.size)
    records = Records(runs, images.name, per_epoch)
    last_step = per_epoch * epochs(training, images.name)
    measured = measured_steps(training, images.name, images.size)
    decay = training.weight_decay / images.size
    like = images.training.targets
    if like.device.type == "cuda" or (not own_images and len(seeds) > 1):
        loop, reason = _ReplayingLoop, None
        stack = DenseStack(runs, _drawn(runs, images, training), training.loss, decay, len(seeds))
    else:
        stack = untrained(runs, images, training, own_images)
        reason = why_not(runs, training.loss, decay, like) if compiled else "it is not asked for"
        loop = _StackedLoop if reason else _CompiledLoop
    diverged = at_initialization(stack)
    if loop is _CompiledLoop:
        stack = CompiledStack(stack, images.training, training.minibatch, decay, diverged)
    if reason:
        _LOG.info("PyTorch takes the steps: %s", reason)
    return loop(stack, images, records, seeds, training.minibatch, last_step, frozenset(measured), diverged)


@dataclass
class _Loop(ABC):
    """The state of a training loop; ``diverged`` are the runs that have before their first step.

    ``seeds`` are those in whose orders the runs see the images: one of all runs, each run's, or each equal part's.
    """

    stack: Stack | CompiledStack
    images: Images
    records: Records
    seeds: list[int]
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
        """Take an epoch's steps, in the orders [n] of ``seeds``; measure where it is due.

        Yields the number of steps just taken, some at a time.
        """

    def took(self, steps: int, clipping: StepClipping | None) -> None:
        """Some steps have been taken; what clipping did in them."""
        if clipping is not None:
            self.clipping.append(clipping)
        self.taken += steps
        self.measure(self.taken)

    def stretches(self, longest: int) -> Iterator[tuple[int, int]]:
        """The epoch's steps, from each to before another, with nothing to be measured between."""
        first, last = self.taken, self.taken + self.records.steps_per_epoch
        due = (step for step in self.measured if first < step < last)
        yield from itertools.pairwise([*sorted({*range(first, last, longest), *due}), last])

    def watch(self, before: Stack, minibatches: Callable[[], Sequence[AnyMinibatch]], first: int) -> None:
        """Find where runs have become non-finite since ``before``, which had ``first`` updates."""
        finite = self.stack.network.finite().tolist()
        new = [run for run, good in enumerate(finite) if not good and run not in self.records.diverged]
        if new:
            self.records.diverged |= locate(before, minibatches(), first, new)

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
            self.watch(before, lambda steps=steps: steps, first)
            yield len(steps)

    def _minibatches(self, orders: Sequence[np.ndarray]) -> Iterator[Sequence[Minibatch | OwnMinibatch]]:
        training = self.images.training
        if isinstance(self.stack.network, OwnImagesNetwork):
            return training.own_minibatches(np.stack(orders), self.minibatch, self.stack.network.stacked)
        return training.minibatches(orders[0], self.minibatch)


class _ReplayingLoop(_Loop):
    """Steps of a :class:`DenseStack`, replayed on CUDA."""

    @cached_property
    def steps(self) -> ReplayedSteps:
        """The steps of any epoch."""
        return ReplayedSteps(self.stack, self.images.training, self.minibatch)

    def train_epoch(self, orders: Sequence[np.ndarray]) -> Iterator[int]:
        """See :class:`_Loop`."""
        first = self.taken
        self.steps.begin(np.stack(orders))
        for begin, end in self.stretches(AT_ONCE):
            before = copy.deepcopy(self.stack)
            clipping = self.steps.take(end - begin)
            chosen = partial(self.steps.minibatches, begin - first, end - first)
            self.watch(before, chosen, begin)
            self.took(end - begin, clipping)
            yield end - begin


class _CompiledLoop(_Loop):
    """Steps of a :class:`CompiledStack`, many at a time."""

    def train_epoch(self, orders: Sequence[np.ndarray]) -> Iterator[int]:
        """See :class:`_Loop`."""
        first = self.taken
        for begin, end in self.stretches(_STEPS_AT_ONCE):
            chosen = slice((begin - first) * self.minibatch, (end - first) * self.minibatch)
            clipping = self.stack.train([order[chosen] for order in orders])
            self.records.diverged |= self.stack.diverged
            self.took(end - begin, clipping)
            yield end - begin
