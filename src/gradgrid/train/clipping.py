"""Gradient clipping, applied to the mean gradient of a minibatch before weight decay is added.

Each entry says what it does to one run, as :class:`Limits`. Runs of different kinds share a stack; a limit of
infinity changes nothing, bit for bit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradgrid.core.entries import Entry
from gradgrid.core.registry import Positive, entry


@dataclass(frozen=True)
class Limits:
    """Largest norm of a run's whole gradient, and largest absolute value of any element of it."""

    norm: float = math.inf
    value: float = math.inf


@entry
def norm(*, threshold: Positive) -> Limits:
    """g · min(1, threshold/||g||), ||g|| over all layers (Pascanu, Mikolov and Bengio, 2013, algorithm 1)."""
    return Limits(norm=threshold)


@entry
def value(*, threshold: Positive) -> Limits:
    """Each element of g cut off at ±threshold (Mikolov, 2012)."""
    return Limits(value=threshold)


def limits(clipping: Entry | None) -> Limits:
    """The limits of a cell's clipping; None is no clipping."""
    return Limits() if clipping is None else globals()[clipping.name](**clipping.keywords)


class StackLimits:
    """The limits of every run of a stack: ``norms`` and ``values``, both [M, 1, 1].

    ``any`` and ``any_value`` say whether there is any limit, and any on values, so that a stack without them does
    no work for them.
    """

    def __init__(self, runs: Sequence[Limits], stacked: int, like: Tensor) -> None:
        everyone = [*runs, *[Limits(value=0.0)] * (stacked - len(runs))]
        self.norms = like.new_tensor([limit.norm for limit in everyone]).view(-1, 1, 1)
        self.values = like.new_tensor([limit.value for limit in everyone]).view(-1, 1, 1)
        self.any_value = any(limit.value < math.inf for limit in runs)
        self.any = self.any_value or any(limit.norm < math.inf for limit in runs)

    def norm_factor(self, norms: Tensor) -> Tensor:
        """The factor [M, 1, 1] that ``torch.nn.utils.clip_grad_norm_`` would apply to gradients of these norms."""
        factor = (self.norms / (norms + 1e-6)).clamp_(max=1.0)
        return torch.where(self.norms.isinf(), 1.0, factor)


class Cutter:
    """Cuts one step's gradients off at ±``limit`` [M, 1, 1] (None: nothing to do)."""

    def __init__(self, limit: Tensor | None) -> None:
        self.limit = limit
        self.largest: list[Tensor] = []

    @property
    def cut(self) -> Tensor | bool:
        """Whose gradients were changed [M]."""
        if self.limit is None:
            return False
        return torch.stack(self.largest).amax(0) > self.limit.flatten()

    def by_run(self, gradient: Tensor) -> Tensor:
        """Cut off a gradient [M, …, …] in place."""
        if self.limit is None:
            return gradient
        self.largest.append(gradient.abs().flatten(1).amax(1))
        return _cut(gradient, self.limit)

    def side_by_side(self, rows: Tensor, scale: Tensor | float = 1.0) -> Tensor:
        """Cut rows [p, M·width] of layer 1's gradient, given times ``scale`` [M, 1, 1], off in place."""
        if self.limit is None:
            return rows
        limit = self.limit * scale
        largest = torch.maximum(rows.amax(0), -rows.amin(0)).view(limit.shape[0], -1).amax(1)
        self.largest.append((largest.view(-1, 1, 1) / scale).flatten())
        # Repeated for every neuron, because elementwise kernels are slow where a limit is not laid out as they go.
        return _cut(rows, limit.expand(-1, 1, rows.shape[1] // len(limit)).reshape(1, -1))


def _cut(gradient: Tensor, limit: Tensor) -> Tensor:
    """Clamp in place; two binary kernels, because the ternary one is slow where it must repeat ``limit``."""
    torch.maximum(gradient, -limit, out=gradient)
    return torch.minimum(gradient, limit, out=gradient)
