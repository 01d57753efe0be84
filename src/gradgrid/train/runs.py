"""Train runs of one architecture to their tables, in stacks that fit into memory."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import torch

from gradgrid.core.config import Training
from gradgrid.core.errors import GradgridError
from gradgrid.core.jobs import Progress
from gradgrid.core.plan import BUNDLE_TABLES, Cell, Run
from gradgrid.core.resources import largest_stack, run_bytes
from gradgrid.core.schedule import epochs, steps_per_epoch
from gradgrid.core.shares import TOGETHER_ON_GPU
from gradgrid.train.checkpoints import Checkpoints, StackCheckpoint
from gradgrid.train.dense import halves, side_by_side
from gradgrid.train.images import Images
from gradgrid.train.records import Records
from gradgrid.train.stack import alike
from gradgrid.train.trainer import train

_LOG = logging.getLogger(__name__)

_SHARE_OF_FREE = 0.5
"""Share of a GPU's free memory that a stack may take: other jobs may train there, and the model is a rough one."""
_ALLOCATION_FAILED = ("DefaultCPUAllocator", "ALLOC_FAILED", "bad_alloc", "CUDA error: out of memory")
"""What the messages of RuntimeErrors say that are no ``torch.OutOfMemoryError`` and mean the same."""


def train_runs(
    runs: Sequence[Run],
    title: str,
    images: Images,
    training: Training,
    checkpoints: Checkpoints | None = None,
) -> dict[str, pd.DataFrame]:
    """Train ``runs``, of one architecture, in stacks, and return the tables of their bundle.

    Of the table runs, the columns seconds and fingerprint are still to be added; what the analysis fills in is
    empty. ``title`` heads the lines in the log. A diverged run is a result, not a failure. What ``checkpoints``
    hold of an earlier process is taken up again. Raises GradgridError if a run does not fit into memory.
    """
    length = epochs(training, images.name), steps_per_epoch(training, images.name, images.size)
    heading = f"{title}: {len(runs)} runs of {length[0]} epochs"
    progress = Progress(heading, length[0] * length[1] * len(runs), "run-steps")
    stacks = stacks_on(images.training.targets.device, runs, images.size, training)
    job = _Job(images, training, *length, progress, checkpoints)
    parts = [records.tables() for stack in stacks for records in job.train(stack)]
    whole = {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in BUNDLE_TABLES}
    diverged = int((whole["runs"]["status"] == "diverged").sum())
    _LOG.info("%s trained on %s, %d diverged", heading, images.name, diverged)
    blank = {"gradient_slope": None, "verdict": None}
    return whole | {"runs": whole["runs"].assign(**blank)}


def stacks_on(device: torch.device, runs: Sequence[Run], images: int, training: Training) -> list[list[Run]]:
    """Runs of one architecture in the stacks in which they train on a device, with so many training images."""
    largest = largest_stack_on(device, runs[0].cell, min(training.minibatch, images))
    if device.type == "cuda":
        return side_by_side(runs, largest)
    return alike(runs, training.weight_decay / images, largest)


def largest_stack_on(device: torch.device, cell: Cell, minibatch: int) -> int:
    """Runs of the architecture of ``cell`` to train at a time on a device; of a GPU, what its free memory holds."""
    if device.type != "cuda":
        return largest_stack(cell.depth, cell.width)
    free, _ = torch.cuda.mem_get_info(device)
    held = _SHARE_OF_FREE * free // run_bytes(cell.depth, cell.width, minibatch)
    return max(1, min(TOGETHER_ON_GPU, int(held)))


@dataclass(frozen=True)
class _Job:
    """What the stacks of a bundle share."""

    images: Images
    training: Training
    epochs: int
    steps_per_epoch: int
    progress: Progress
    checkpoints: Checkpoints | None

    def train(self, runs: list[Run]) -> list[Records]:
        """The records of ``runs``: as one stack, or of its halves if that does not fit into memory."""
        left = self.progress.left
        if records := self._as_one_stack(runs):
            return [records]
        self.progress.left = left
        torch.cuda.empty_cache()  # pieces of what was too large; without a GPU there is nothing to do
        return [records for half in halves(runs) for records in self.train(half)]

    def _as_one_stack(self, runs: list[Run]) -> Records | None:
        """None if memory does not suffice: the halves come after the exception, which holds on to the memory."""
        try:
            return train(runs, self.images, self.training, self.progress, checkpoint=self._checkpoint(runs))
        except (MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            if len(runs) == 1:
                raise GradgridError(self._too_large(runs[0])) from error
            _LOG.warning(
                "%s: a stack of %d runs does not fit into memory: halved", self.progress.title, len(runs)
            )
            return None

    def _checkpoint(self, runs: list[Run]) -> StackCheckpoint | None:
        if self.checkpoints is None:
            return None
        found = self.checkpoints.of(runs, self.images.training.targets.device, self.epochs)
        self.progress.left -= found.epoch * self.steps_per_epoch * len(runs)
        return found

    def _too_large(self, run: Run) -> str:
        device, cell = self.images.training.targets.device, run.cell
        return (
            f"one run of depth {cell.depth:,} and width {cell.width:,} does not fit into the memory of {device.type}; "
            "set a smaller factors.width, factors.depth or training.minibatch, or give it more memory"
        )


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Whether it says so, or what it came of: where memory runs out in a capture, the capture fails as well."""
    if error is None or isinstance(error, MemoryError | torch.OutOfMemoryError):
        return error is not None
    return any(sign in str(error) for sign in _ALLOCATION_FAILED) or _is_out_of_memory(error.__context__)
