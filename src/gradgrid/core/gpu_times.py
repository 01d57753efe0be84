"""About how long training takes on a GPU: a model of which nothing was measured on one.

A step of a stack takes as long as starting its operations or as moving its memory, whichever is longer. Operations and
bytes were counted; what each takes is an estimate.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gradgrid.core.config import Training
from gradgrid.core.datasets import SIZES
from gradgrid.core.schedule import epochs, steps_per_epoch
from gradgrid.core.shares import TOGETHER_ON_GPU

if TYPE_CHECKING:  # the plan asks how long its runs take
    from gradgrid.core.plan import Run

GPU_JOB_SECONDS = 10.0
"""Starting a job, loading its data and waking the GPU up: the CPU's 5.5 s and an estimate; not measured."""
GPU_OPERATION_MICROSECONDS = 5.0
"""Starting one operation from Python: 2 µs measured on the CPU in stacks of 8 runs of width 4, which do hardly any
work, and an estimate of 3 µs for a kernel's launch."""
GPU_BYTES_PER_SECOND = 500e9
"""Memory moved by operations of this kind: an estimate between the data sheets of NVIDIA's T4 and A100 (40 GB)."""
CUT_MICROSECONDS = 70.0
"""Cutting a minibatch of ten MNIST-like images on the CPU, measured; the GPU waits for it."""
DRAW_MILLISECONDS = 1.0
"""Drawing a run's weights on the CPU: 0.13 (normal) to 8 (lsuv), measured at depth 4 and width 30."""
OPERATIONS = {"none": (21, 12), "norm": (37, 18), "value": (57, 28)}
"""Operations of a step with the furthest kind of clipping in the stack: fixed, and for each hidden layer; counted."""
DENSE_OPERATIONS = (15, 20)
"""What an optimizer other than sgd adds (adam)."""
KILOBYTES = {"none": (14.3, 2.2), "norm": (14.5, 2.6), "value": (36.0, 4.0), "dense": (122.0, 5.0)}
"""Moved in a step of one run, for each neuron of width: fixed, and for each hidden layer; counted at width 30."""


def gpu_seconds(runs: Iterable["Run"], training: Training, dataset: str) -> float:
    """Seconds of a GPU's job to train runs of one architecture, beside its start."""
    stacks: dict[tuple, list[Run]] = {}
    for run in runs:
        stacks.setdefault((run.seed, run.cell.optimizer), []).append(run)
    parts = (
        stack[i : i + TOGETHER_ON_GPU]
        for stack in stacks.values()
        for i in range(0, len(stack), TOGETHER_ON_GPU)
    )
    return sum(_stack_seconds(part, training, dataset) for part in parts)


def _stack_seconds(runs: Sequence["Run"], training: Training, dataset: str) -> float:
    images = SIZES[dataset].train
    steps = epochs(training, dataset) * steps_per_epoch(training, dataset, images)
    waiting = CUT_MICROSECONDS / 1e6 * training.minibatch / 10
    step = max(_starting(runs), len(runs) * _moved(runs) / GPU_BYTES_PER_SECOND) + waiting
    return steps * step + len(runs) * DRAW_MILLISECONDS / 1e3


def _starting(runs: Sequence["Run"]) -> float:
    fixed, layer = OPERATIONS[_clipping(runs)]
    depth, dense = runs[0].cell.depth, runs[0].cell.optimizer.name != "sgd"
    operations = fixed + layer * depth + dense * (DENSE_OPERATIONS[0] + DENSE_OPERATIONS[1] * depth)
    return operations * GPU_OPERATION_MICROSECONDS / 1e6


def _moved(runs: Sequence["Run"]) -> float:
    cell = runs[0].cell
    fixed, layer = KILOBYTES["dense" if cell.optimizer.name != "sgd" else _clipping(runs)]
    return 1e3 * cell.width * (fixed + layer * cell.depth)


def _clipping(runs: Sequence["Run"]) -> str:
    kinds = {run.cell.clipping.name for run in runs if run.cell.clipping}
    return next((kind for kind in ("value", "norm") if kind in kinds), "none")
