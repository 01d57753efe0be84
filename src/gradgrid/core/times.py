"""About how long training takes: a model of one core's work, good to a factor of two on other machines.

Fitted to CPU time on one machine (two cores of an Intel Xeon with AVX-512, 3.4 GHz, 2 MiB of second cache each): a
step of the compiled kernel at depths 1 to 8 and widths 10 to 400, within a sixth, and one of PyTorch's stack at width
30. How long another machine takes in these units, train/pace.py measures.
"""

from collections.abc import Iterable
from math import ceil, log2
from typing import TYPE_CHECKING

from gradgrid.core.config import Training
from gradgrid.core.datasets import PIXELS, SIZES
from gradgrid.core.gpu_times import GPU_JOB_SECONDS, gpu_seconds
from gradgrid.core.kernel import ACTIVATIONS
from gradgrid.core.schedule import epochs, measured_steps

if TYPE_CHECKING:  # the plan asks how long its cells take
    from gradgrid.core.plan import Cell, Run

REFERENCE_WIDTH, REFERENCE_MINIBATCH = 30, 10

LANES = 16
"""Neurons to which the kernel fills layers up."""
KERNEL_MICROSECONDS = 0.2, 2.3, 0.22
"""A step of one run in the kernel: a fixed part, what layer 1 and the last layer take for each 16 neurons of width, and
what each further hidden layer adds, for the square of these."""
CACHE_BYTES, CACHE_SHARE = 1.5e6, 0.5
"""Beyond so many bytes of weights a step takes so much more, each time that they are twice as many."""
CLIPPING_TIMES = {"norm": 1.3, "value": 1.34}
"""How many times as long a step takes with clipping."""
OPTIMIZER_TIMES = {"momentum": 1.4, "nesterov": 1.4, "adam": 2.15}
"""How many times as long a step takes that changes every weight and what is remembered of it."""

PYTORCH_MICROSECONDS = 95.0, 7.0
"""A step of one run of PyTorch's stack, all kinds of clipping together: without what its hidden layers add, in
proportion to the width, and what each of them adds."""
NORMALIZATION_MICROSECONDS = 2.5
"""What normalization adds to each hidden layer: batch 2.6 and layer 2.3 in stacks of 32, from depth 1 to 8."""

EVALUATION_SHARE = 0.45
"""Evaluating an image costs this share of training on it, without clipping, by sgd."""
EVALUATED_TRAINING_IMAGES = 10_000
"""Of the training images, the first so many are evaluated at the end of every epoch."""
PROBE_MICROSECONDS = 0.35, 0.26
"""Measuring one of the probe images of one run: a fixed part, and one for each hidden layer."""
PROBE_IMAGES = 1_000
DRAW_SECONDS = 0.004, 0.0015
"""Drawing a run's weights, the initializers' mean: a fixed part, and one for each hidden layer."""

JOB_SECONDS = 6.0
"""Starting a job, loading its data and writing its tables."""


def job_seconds(
    runs: Iterable["Run"], training: Training, dataset: str, device: str, compiled: bool = True
) -> float:
    """Seconds of the job that trains runs of one architecture on a device, by its name in the configuration.

    ``compiled``: with the compiled kernel, where it can train them.
    """
    if device == "cuda":
        return GPU_JOB_SECONDS + gpu_seconds(runs, training, dataset)
    return JOB_SECONDS + sum(_run_seconds(run.cell, training, dataset, compiled) for run in runs)


def _run_seconds(cell: "Cell", training: Training, dataset: str, compiled: bool) -> float:
    sizes, passes, wider = SIZES[dataset], epochs(training, dataset), cell.width / REFERENCE_WIDTH
    evaluated = (passes + 1) * (min(sizes.train, EVALUATED_TRAINING_IMAGES) + sizes.validation) + sizes.test
    step = step_microseconds(cell, training.minibatch, compiled) / training.minibatch
    plain = plain_step_microseconds(cell, 1, compiled)
    fixed, layer = PROBE_MICROSECONDS
    probes = len(measured_steps(training, dataset)) * PROBE_IMAGES * (fixed + layer * cell.depth) * wider
    images = passes * sizes.train * step + evaluated * EVALUATION_SHARE * plain
    drawn, deeper = DRAW_SECONDS
    return (images + probes) / 1e6 + (drawn + deeper * cell.depth) * wider


def step_microseconds(cell: "Cell", minibatch: int, compiled: bool = True) -> float:
    """One core's time for one step of one run."""
    plain = plain_step_microseconds(cell, minibatch, compiled)
    if not (compiled and in_kernel(cell)):
        return plain
    clipping = CLIPPING_TIMES[cell.clipping.name] if cell.clipping else 1.0
    return plain * clipping * OPTIMIZER_TIMES.get(cell.optimizer.name, 1.0)


def plain_step_microseconds(cell: "Cell", minibatch: int, compiled: bool = True) -> float:
    """The same by sgd without clipping, as far as that makes a difference."""
    if compiled and in_kernel(cell):
        return kernel_microseconds(cell.depth, cell.width, minibatch)
    wider, share = cell.width / REFERENCE_WIDTH, minibatch / REFERENCE_MINIBATCH
    base, layer = PYTORCH_MICROSECONDS
    normalized = NORMALIZATION_MICROSECONDS * wider if cell.normalization else 0.0
    return (base * wider + (layer * wider**2 + normalized) * cell.depth) * share


def kernel_microseconds(depth: int, width: int, minibatch: int) -> float:
    """A step of one run in the compiled kernel, by sgd without clipping."""
    fixed, ends, further = KERNEL_MICROSECONDS
    wide = ceil(width / LANES)
    cached = (fixed + ends * wide + further * wide**2 * (depth - 1)) * minibatch / REFERENCE_MINIBATCH
    weights = 4 * LANES * wide * (PIXELS + 2 * (depth - 1) * width)  # those of upper layers are kept twice
    return cached * (1 + CACHE_SHARE * max(0.0, log2(weights / CACHE_BYTES)))


def in_kernel(cell: "Cell") -> bool:
    """Whether the compiled kernel can train runs of a cell."""
    return cell.normalization is None and not cell.residual and cell.activation.name in ACTIVATIONS
