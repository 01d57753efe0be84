"""What a bundle's job is given: time and memory, from models of both with head-room."""

from collections import Counter
from dataclasses import dataclass
from math import ceil

from gradgrid.core.config import Config, Training
from gradgrid.core.cost import bundle_seconds
from gradgrid.core.datasets import CLASSES, PIXELS, SIZES
from gradgrid.core.plan import Bundle
from gradgrid.core.schedule import epochs, measured_steps
from gradgrid.core.shares import TOGETHER, TOGETHER_ON_GPU

RUNTIME_HEADROOM = 3.0
"""The estimate of time is good to a factor of two, and other machines are slower."""
LEAST_MINUTES = 10
"""The time that any job is given: starting one on a busy cluster may take minutes."""

MEMORY_HEADROOM = 1.5
LEAST_MEMORY_MB = 2000
"""The memory that any job is given: how much libraries take differs between builds of PyTorch."""

PROCESS_MIB = 660
"""A process that has loaded PyTorch and the tables' libraries."""
GPU_PROCESS_MIB = 2_500
"""The same with CUDA's libraries and what its driver keeps beside the GPU: an estimate, not measured."""
IMAGE_BYTES = 5_600
"""What each image of a dataset adds, dense, sparse and in passing, by the difference between MNIST and the digits."""
COPIES = 8
"""Copies of a stack's parameters, in training and in passing, by the peak of 16 runs of depth 2 and width 300."""
NUMBERS_AT_ONCE = 3
"""Numbers that each hidden neuron takes for an image while it is fed forward and back."""
BLOCK = 250
"""Images fed forward at a time when something is measured."""
ROW_BYTES = 1_000
"""A row of any table while it is put together, by the peak of 2,000 runs of depth 1."""

HOST_COPIES = 4
"""Copies of a stack's parameters that are not on the GPU: as drawn, and in a checkpoint while it is written."""

MEASURED_AT_ONCE, MEASURED_IMAGES = 2**27, 1_000
STEPS_AT_ONCE, IMAGES_AT_ONCE = 100, 4_096


@dataclass(frozen=True)
class Resources:
    """What a bundle's job is given at its first attempt: minutes of wall time, and memory in MB of 2²⁰ bytes."""

    runtime_minutes: int
    memory_mb: int


def bundle_resources(bundle: Bundle, config: Config, dataset: str) -> Resources:
    """For the job of a bundle whose runs all train on ``dataset``: three times the estimate of
    :func:`~gradgrid.core.cost.bundle_seconds`, and one and a half times :func:`bundle_memory` in whole hundreds; at
    least ten minutes and 2,000 MB.
    """
    minutes = RUNTIME_HEADROOM * bundle_seconds(bundle, config, dataset) / 60
    memory = MEMORY_HEADROOM * bundle_memory(bundle, config.training, dataset, config.device == "cuda")
    return Resources(max(LEAST_MINUTES, ceil(minutes)), max(LEAST_MEMORY_MB, 100 * ceil(memory / 100)))


def bundle_memory(bundle: Bundle, training: Training, dataset: str, on_gpu: bool = False) -> float:
    """Peak of memory of a bundle's job, in MiB: the process, the images, a stack, and the rows of all runs.

    Of a job ``on_gpu`` it is that beside the GPU, where the stack is; nothing of it was measured. On the CPU it is
    fitted to what jobs recorded of themselves (``peak_memory_mib``): 676 on the digits for 4 runs of depth 1 and
    width 8, and 811 for 36 of depth 8 and width 30; 1,048 on MNIST for 4 of width 30. Larger stacks were measured
    beside the workflow.
    """
    sizes = SIZES[dataset]
    images = IMAGE_BYTES * (sizes.train + sizes.validation + sizes.test)
    minibatch = min(training.minibatch, sizes.train)
    numbers = _numbers_of_a_stack(bundle, minibatch, on_gpu) + _numbers_of_minibatches(minibatch)
    rows = len(bundle.runs) * _rows_of_a_run(bundle.depth, training, dataset)
    process = GPU_PROCESS_MIB if on_gpu else PROCESS_MIB
    return process + (images + 4 * numbers + ROW_BYTES * rows) / 2**20


def largest_stack(depth: int, width: int) -> int:
    """Runs to train at a time on the CPU: bounded, so that memory does not grow with the grid."""
    return max(1, min(TOGETHER, MEASURED_AT_ONCE // (3 * depth * width * MEASURED_IMAGES)))


def run_bytes(depth: int, width: int, minibatch: int) -> int:
    """Bytes that each run of a stack takes where it is trained, in float32.

    What PyTorch's tensors held at their peak is 0.90 to 1.19 of it, counted on the CPU as what 32 runs took more than
    16, at depths 1, 4, 8 and 40 and widths 30 and 100, with every kind of clipping, momentum, Adam and normalization;
    where seeds train side by side (train/dense.py) 0.77 to 1.33.
    """
    return 4 * _numbers_of_a_run(depth, width, minibatch)


def _numbers_of_a_stack(bundle: Bundle, minibatch: int, on_gpu: bool) -> int:
    """Those that a stack takes in the process's memory."""
    depth, width = bundle.depth, bundle.width
    if on_gpu:
        return min(len(bundle.runs), TOGETHER_ON_GPU) * HOST_COPIES * _parameters(depth, width)
    runs = max(Counter(run.seed for run in bundle.runs).values())  # a stack is of one seed
    return min(runs, largest_stack(depth, width)) * _numbers_of_a_run(depth, width, minibatch)


def _numbers_of_a_run(depth: int, width: int, minibatch: int) -> int:
    """A run's parameters in all copies, and what its hidden neurons take for the images that are fed at a time."""
    return COPIES * _parameters(depth, width) + NUMBERS_AT_ONCE * depth * width * max(BLOCK, minibatch)


def _parameters(depth: int, width: int) -> int:
    return (PIXELS + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * CLASSES


def _numbers_of_minibatches(size: int) -> int:
    """Those that are cut at a time: their images, dense and sparse, and the products of each two images."""
    steps = max(1, min(STEPS_AT_ONCE, IMAGES_AT_ONCE // size))
    return steps * size * (2 * PIXELS + size)


def _rows_of_a_run(depth: int, training: Training, dataset: str) -> int:
    """Of all tables: gradients; accuracy twice an epoch and before; clipping an epoch; the run itself."""
    passes = epochs(training, dataset)
    return len(measured_steps(training, dataset)) * (depth + 1) + 3 * passes + 4
