"""About how long training takes on a GPU: a model of which nothing was measured on one.

A step of a stack takes as long as its operations, one after the other, take to begin, or as moving its memory,
whichever is longer. Operations and bytes were counted; what each takes is an estimate.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gradgrid.core.config import Training
from gradgrid.core.datasets import SIZES
from gradgrid.core.schedule import epochs, steps_per_epoch
from gradgrid.core.shares import TOGETHER_ON_GPU

if TYPE_CHECKING:  # the plan asks how long its runs take
    from gradgrid.core.plan import Run

Amounts = dict[str, tuple[float, float]]
"""By name: a fixed part, and one for each hidden layer."""

GPU_JOB_SECONDS = 10.0
"""Starting a job, loading its data and waking the GPU up: the CPU's 5.5 s and an estimate; not measured."""
GPU_OPERATION_MICROSECONDS = 2.0
"""From one operation of a replayed graph to the next, if there is hardly any work in it: an estimate."""
GPU_BYTES_PER_SECOND = 500e9
"""Memory moved by operations of this kind: an estimate between the data sheets of NVIDIA's T4 and A100 (40 GB)."""
DRAW_MILLISECONDS = 1.0
"""Drawing a run's weights on the CPU: 0.13 (normal) to 8 (lsuv), measured at depth 4 and width 30."""
OPERATIONS = {"none": (18, 14), "norm": (37, 20), "value": (50, 30)}
"""Operations of a step with the furthest kind of clipping in the stack: fixed, and for each hidden layer; counted."""
OPTIMIZER_OPERATIONS = {"sgd": (0, 0), "momentum": (4, 4), "nesterov": (6, 6), "adam": (28, 28)}
"""What an optimizer adds."""
KILOBYTES = {"none": (24.5, 2.1), "norm": (24.6, 2.4), "value": (52.1, 3.5)}
"""Moved in a step of one run, for each neuron of width: fixed, and for each hidden layer; counted at width 30."""
OPTIMIZER_KILOBYTES = {
    "sgd": (0.0, 0.0),
    "momentum": (15.3, 0.6),
    "nesterov": (24.4, 1.0),
    "adam": (67.3, 2.7),
}
"""What an optimizer adds."""


def gpu_seconds(runs: Iterable["Run"], training: Training, dataset: str) -> float:
    """Seconds of a GPU's job to train runs of one architecture, beside its start."""
    stacks: dict[tuple, list[Run]] = {}
    for run in runs:
        kind = (run.cell.optimizer, run.cell.normalization, run.cell.residual)
        stacks.setdefault(kind, []).append(run)
    parts = (
        stack[i : i + TOGETHER_ON_GPU]
        for stack in stacks.values()
        for i in range(0, len(stack), TOGETHER_ON_GPU)
    )
    return sum(_stack_seconds(part, training, dataset) for part in parts)


def _stack_seconds(runs: Sequence["Run"], training: Training, dataset: str) -> float:
    images = SIZES[dataset].train
    steps = epochs(training, dataset) * steps_per_epoch(training, dataset, images)
    operations = GPU_OPERATION_MICROSECONDS / 1e6 * _amount(runs, OPERATIONS, OPTIMIZER_OPERATIONS)
    moved = 1e3 * runs[0].cell.width * _amount(runs, KILOBYTES, OPTIMIZER_KILOBYTES)
    step = max(operations, len(runs) * moved / GPU_BYTES_PER_SECOND)
    return steps * step + len(runs) * DRAW_MILLISECONDS / 1e3


def _amount(runs: Sequence["Run"], by_clipping: Amounts, by_optimizer: Amounts) -> float:
    cell = runs[0].cell
    parts = by_clipping[_clipping(runs)], by_optimizer[cell.optimizer.name]
    return sum(fixed + layer * cell.depth for fixed, layer in parts)


def _clipping(runs: Sequence["Run"]) -> str:
    kinds = {run.cell.clipping.name for run in runs if run.cell.clipping}
    return next((kind for kind in ("value", "norm") if kind in kinds), "none")
