"""About how long training takes: a rough model of one core's work, good to a factor of two.

A run's step costs a fixed part, and a part for each hidden layer, scaled by numbers of weights and of images. Both were
fitted to the CPU time of the jobs of the default grid (width 30, minibatch 10, all kinds of clipping), probes and
start-up included.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gradgrid.core.config import Training
from gradgrid.core.datasets import SIZES
from gradgrid.core.gpu_times import GPU_JOB_SECONDS, gpu_seconds
from gradgrid.core.schedule import epochs

if TYPE_CHECKING:  # the plan asks how long its cells take
    from gradgrid.core.plan import Cell, Run

STEP_MICROSECONDS = 18.5
"""A step of one run, without what its hidden layers add: the first and the last layer's work above all."""

HIDDEN_LAYER_MICROSECONDS = 7.5
"""What each hidden layer adds to it."""

NORMALIZATION_MICROSECONDS = 2.5
"""What normalization adds to each hidden layer: batch 2.6 and layer 2.3 in stacks of 32, from depth 1 to 8."""

REFERENCE_WIDTH, REFERENCE_MINIBATCH = 30, 10

EVALUATION_SHARE = 0.25
"""Evaluating an image costs this share of training on it."""

EVALUATED_TRAINING_IMAGES = 10_000
"""Of the training images, the first so many are evaluated at the end of every epoch."""

JOB_SECONDS = 5.5
"""Starting a job and loading its data."""


def job_seconds(runs: Iterable["Run"], training: Training, dataset: str, device: str) -> float:
    """Seconds of the job that trains runs of one architecture on a device, by its name in the configuration."""
    if device == "cuda":
        return GPU_JOB_SECONDS + gpu_seconds(runs, training, dataset)
    step = sum(step_microseconds(run.cell, training.minibatch) for run in runs)
    return JOB_SECONDS + step / 1e6 * _images(training, dataset) / training.minibatch


def _images(training: Training, dataset: str) -> float:
    """Images on which a run is trained, and those on which it is evaluated, by what they take."""
    sizes, passes = SIZES[dataset], epochs(training, dataset)
    evaluated = min(sizes.train, EVALUATED_TRAINING_IMAGES) + sizes.validation
    return passes * sizes.train + EVALUATION_SHARE * (passes + 1) * evaluated


def step_microseconds(cell: "Cell", minibatch: int) -> float:
    """One core's time for one step of one run."""
    wider = cell.width / REFERENCE_WIDTH
    normalized = NORMALIZATION_MICROSECONDS * wider if cell.normalization else 0.0
    hidden = HIDDEN_LAYER_MICROSECONDS * wider**2 + normalized
    return (STEP_MICROSECONDS * wider + hidden * cell.depth) * minibatch / REFERENCE_MINIBATCH
