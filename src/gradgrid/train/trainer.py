"""The training loop: a stack of runs from initialization to its last epoch."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from gradgrid.core.config import Training
from gradgrid.core.plan import Run
from gradgrid.core.schedule import epochs, measured_steps, steps_per_epoch
from gradgrid.core.seeds import derive
from gradgrid.train.divergence import at_initialization, locate
from gradgrid.train.evaluation import evaluate
from gradgrid.train.gains import largest_slope
from gradgrid.train.images import CLASSES, Images
from gradgrid.train.initialization import initialize
from gradgrid.train.network import OwnImagesNetwork
from gradgrid.train.pixels import Minibatch, OwnMinibatch
from gradgrid.train.probes import measure
from gradgrid.train.records import Records
from gradgrid.train.stack import Stack, StepClipping

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
) -> Records:
    """Train runs that can be stacked (stack.py) and return what was measured of them.

    All runs have one seed and see the same minibatches, or each sees those of its seed (``own_images``).
    Going on from a ``checkpoint`` gives, bit for bit, what an undisturbed training gives.
    """
    loop = _Loop.begin(runs, images, training, own_images)
    loop.start(checkpoint.take() if checkpoint else None)
    for epoch in range(loop.epoch + 1, epochs(training, images.name) + 1):
        orders = [data_order(run.seed, epoch, images.size) for run in (runs if own_images else runs[:1])]
        for steps in loop.minibatches(orders, training.minibatch):
            loop.take(steps)
            progress(len(steps) * len(runs))
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


@dataclass
class _Loop:
    """The state of a training loop."""

    stack: Stack
    images: Images
    records: Records
    last_step: int
    measured: frozenset[int]
    clipping: list[StepClipping]
    taken: int = 0

    @classmethod
    def begin(cls, runs: Sequence[Run], images: Images, training: Training, own_images: bool) -> "_Loop":
        """Initialize the runs and stack them."""
        stack = untrained(runs, images, training, own_images)
        per_epoch = steps_per_epoch(training, images.name, images.size)
        records = Records(runs, images.name, per_epoch)
        last_step = per_epoch * epochs(training, images.name)
        measured = measured_steps(training, images.name, images.size)
        return cls(stack, images, records, last_step, frozenset(measured), [])

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
            self.records.diverged |= at_initialization(self.stack)
            self.measure(0)
        else:
            self.stack.restore(state["stack"])
            self.records.restore(state["records"])
            self.taken = state["taken"]

    def minibatches(
        self, orders: Sequence[np.ndarray], size: int
    ) -> Iterator[Sequence[Minibatch | OwnMinibatch]]:
        """An epoch's minibatches, some steps at a time, in the one order [n] of all runs or each run's own."""
        if isinstance(self.stack.network, OwnImagesNetwork):
            return self.images.training.own_minibatches(np.stack(orders), size, self.stack.network.stacked)
        return self.images.training.minibatches(orders[0], size)

    def take(self, steps: Sequence[Minibatch | OwnMinibatch]) -> None:
        """Take some steps, measure where it is due, and look whether a run has diverged on the way."""
        before, first = copy.deepcopy(self.stack), self.taken
        for minibatch in steps:
            clipping = self.stack.step(minibatch)
            if clipping is not None:
                self.clipping.append(clipping)
            self.taken += 1
            self.measure(self.taken)
        self.stack.network.fold()
        finite = self.stack.network.finite().tolist()
        new = [run for run, good in enumerate(finite) if not good and run not in self.records.diverged]
        if new:
            self.records.diverged |= locate(before, steps, first, new)

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
            norms = torch.stack([step.norms for step in self.clipping])
            clipped = torch.stack([step.clipped for step in self.clipping])
            self.records.add_clipping(epoch, norms, clipped)
            self.clipping.clear()
