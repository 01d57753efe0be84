"""Steps replayed: on CUDA a step is captured once, as a CUDA graph, and started as one operation from then on.

What is captured must find everything where it was: tensors are made before, and changed in place; shapes never change;
nothing waits for the device. So the images, an epoch's orders, and the place in them are on the device too.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from gradgrid.train.dense import DenseStack
from gradgrid.train.pixels import DenseMinibatch, TrainingImages
from gradgrid.train.stack import StepClipping

WARM_UP = 3
"""Calls before one is captured: libraries set themselves up in the first, and tensors that last are made there."""
AT_ONCE = 100
"""Steps between two looks at whether a run has diverged."""


class Replay:
    """Calls of one function, which changes tensors of ``device`` in place: on CUDA captured once and replayed.

    The first calls are plain ones there too, on a stream of their own, as PyTorch asks for. ``pool`` is the memory that
    is shared with other functions, none of which leaves anything there.
    """

    def __init__(self, device: torch.device, pool: object = None) -> None:
        self._on_cuda, self._pool = device.type == "cuda", pool
        self._aside = torch.cuda.Stream() if self._on_cuda else None
        self._calls, self._graph = 0, None

    def __call__(self, function: Callable[[], None]) -> None:
        """Call ``function``, always the same, or have the device do again what it did.

        It is not kept: what it belongs to, and its memory, would outlive its last use.
        """
        if not self._on_cuda:
            function()
        elif self._calls < WARM_UP:
            self._call_aside(function)
        else:
            self._graph = self._graph or self._captured(function)
            self._graph.replay()
        self._calls += 1

    def _call_aside(self, function: Callable[[], None]) -> None:
        self._aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._aside):
            function()
        torch.cuda.current_stream().wait_stream(self._aside)

    def _captured(self, function: Callable[[], None]) -> "torch.cuda.CUDAGraph":
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            function()
        return graph


class ReplayedSteps:
    """The steps of a :class:`DenseStack` through an epoch, each minibatch taken from the images on the device.

    ``orders`` [P, n] are those in which the parts of the stack see the n images.
    """

    def __init__(self, stack: DenseStack, training: TrainingImages, minibatch: int) -> None:
        like, images = training.targets, len(training.targets)
        self.stack, self._minibatch = stack, minibatch
        self._images, self._targets = training.dense, like
        self.orders = torch.zeros(stack.parts, images, dtype=torch.int64, device=like.device)
        self._behind = images
        self._offsets = torch.arange(minibatch, device=like.device)
        self._place, self._row = self._offsets.new_zeros(1), self._offsets.new_zeros(1)
        self._norms = like.new_zeros(AT_ONCE, stack.network.stacked)
        self._clipped = torch.zeros_like(self._norms, dtype=torch.bool)
        pool = torch.cuda.graph_pool_handle() if like.device.type == "cuda" else None
        sizes = {minibatch, images % minibatch} - {0}
        self._replays = {size: Replay(like.device, pool) for size in sizes}

    def begin(self, orders: np.ndarray) -> None:
        """Begin an epoch with its ``orders`` [P, n]."""
        self.orders.copy_(torch.from_numpy(orders))
        self._place.zero_()
        self._behind = 0

    @property
    def left(self) -> int:
        """The steps of the epoch that are still to be taken."""
        return -(-(self.orders.shape[1] - self._behind) // self._minibatch)

    def take(self, steps: int) -> StepClipping | None:
        """Take the next steps, at most ``AT_ONCE``; says what clipping did."""
        self._row.zero_()
        for _ in range(steps):
            size = min(self._minibatch, self.orders.shape[1] - self._behind)
            self._replays[size](partial(self.step, size))
            self._behind += size
        if not self.stack.limits.any:
            return None
        return StepClipping(self._norms[:steps].clone(), self._clipped[:steps].clone())

    def step(self, size: int) -> None:
        """Take a step with the next ``size`` images: what is replayed."""
        chosen = self.orders.index_select(1, self._place + self._offsets[:size])
        clipping = self.stack.step(self._of(chosen))
        if clipping is not None:
            self._norms.index_copy_(0, self._row, clipping.norms)
            self._clipped.index_copy_(0, self._row, clipping.clipped)
        self._row.add_(1)
        self._place.add_(size)

    def minibatches(self, begin: int, end: int) -> list[DenseMinibatch]:
        """Those of the steps from ``begin`` to before ``end`` of the epoch."""
        images = self.orders[:, begin * self._minibatch : end * self._minibatch]
        return [self._of(chosen) for chosen in images.split(self._minibatch, 1)]

    def _of(self, chosen: Tensor) -> DenseMinibatch:
        """The minibatch of the images of these numbers [P, B]."""
        images, classes = (
            rows.index_select(0, chosen.flatten()).view(*chosen.shape, -1)
            for rows in (self._images, self._targets)
        )
        return DenseMinibatch(images, classes, self.stack.network.stacked // self.stack.parts)
