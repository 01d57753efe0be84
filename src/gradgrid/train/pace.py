"""How fast this machine is: some steps of the compiled kernel, timed beside what the plan's model says of them."""

import ctypes
import time

import numpy as np

from gradgrid.core.kernel import ACTIVATIONS, LOSSES, OPTIMIZERS
from gradgrid.core.times import kernel_microseconds
from gradgrid.train.native import Common, ImageArrays, Kernel, RunState, Shape, ToldArrays, find_kernel

SHAPE = Shape(inputs=784, width=30, depth=4, classes=10)
MINIBATCH, STEPS, RUNS = 10, 16, 64
PIXELS, LIT = 150, 400
"""Pixels of an image that are not zero, and those among which they are: a minibatch has as many as one of MNIST."""
ROUNDS = 9


def measure_pace() -> float:
    """How long a step takes here, in units of the model's (core/times.py); 1 where the kernel was not built.

    The shortest of a few rounds counts, so that what else the machine does matters little.
    """
    kernel = find_kernel()
    if kernel is None:
        return 1.0
    runs, shortest = _Runs(kernel), float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        runs.train()
        shortest = min(shortest, time.perf_counter() - began)
    return shortest * 1e6 / (STEPS * RUNS) / kernel_microseconds(SHAPE.depth, SHAPE.width, MINIBATCH)


class _Runs:
    """Runs of random weights, and random images; it holds all memory that the kernel is told of."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        random, count = np.random.default_rng(0), MINIBATCH * STEPS
        pixels = np.argsort(random.random((count, LIT)), 1)[:, :PIXELS].astype(np.int32)
        targets = np.eye(SHAPE.classes, dtype=np.float32)[random.integers(SHAPE.classes, size=count)]
        offsets = np.arange(count + 1, dtype=np.int32) * PIXELS
        self._images = offsets, pixels, random.random((count, PIXELS), np.float32), targets
        self._order = np.arange(count)
        self._told = np.zeros((STEPS, RUNS), np.float32), np.zeros((STEPS, RUNS), bool)
        self._parameters = random.standard_normal((RUNS, kernel.layout(SHAPE)[0] + 16), np.float32) / 30
        self._states = (RunState * RUNS)()
        for state, own in zip(self._states, self._parameters, strict=True):
            state.parameters = -(-own.ctypes.data // 64) * 64  # where a register's worth begins
            state.scale, state.rate, state.diverged = 1.0, 0.1, -1
            state.norm_limit = state.value_limit = np.inf

    def train(self) -> None:
        """Take STEPS steps of each run."""
        kinds = LOSSES.index("cross_entropy"), OPTIMIZERS.index("sgd"), ACTIVATIONS.index("sigmoid")
        common = Common(SHAPE, *kinds, MINIBATCH, STEPS)
        images = ImageArrays(*(array.ctypes.data for array in self._images))
        told = ToldArrays(*(array.ctypes.data for array in self._told), None)
        stack = ctypes.byref(common), self._states, RUNS, ctypes.byref(images)
        self._kernel.train(*stack, self._order.ctypes.data, len(self._order), ctypes.byref(told))
