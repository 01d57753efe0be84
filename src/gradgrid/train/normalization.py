"""Normalization of the hidden layers: pre-activations z become γ ẑ + β before the activation.

Each entry says along which axis of z [..., images, width] mean and variance are taken for ẑ. Gains γ start at one and
shifts β at zero; both are trained, without weight decay. Everything is as in ``torch.nn.BatchNorm1d`` and
``torch.nn.LayerNorm``.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gradgrid.core.registry import entry

EPSILON = 1e-5
MOMENTUM = 0.1
"""Share of a minibatch's mean and variance in the running ones."""


@dataclass(frozen=True)
class Axis:
    """The axis along which mean and variance are taken, and whether evaluation takes running ones instead."""

    number: int
    running: bool


@entry
def batch() -> Axis:
    """ẑ = (z - mean)/sqrt(variance + 1e-5) over the images of a minibatch (Ioffe and Szegedy, 2015, algorithm 1)."""
    return Axis(-2, running=True)


@entry
def layer() -> Axis:
    """ẑ = (z - mean)/sqrt(variance + 1e-5) over the neurons of a layer (Ba, Kiros and Hinton, 2016, sec. 3)."""
    return Axis(-1, running=False)


@dataclass(frozen=True)
class Standardized:
    """``values`` ẑ of the shape of z; ``mean`` and ``variance``, of size 1 along the axis, from which they were made;
    and ``inverse``, 1/sqrt(variance + 1e-5)."""

    values: Tensor
    mean: Tensor
    variance: Tensor
    inverse: Tensor


def standardized(z: Tensor, axis: int) -> Standardized:
    """Standardize ``z`` by its own mean and (biased) variance along an axis."""
    mean = z.mean(axis, keepdim=True)
    return _by(z - mean, mean, (z - mean).square_().mean(axis, keepdim=True))


def _by(centred: Tensor, mean: Tensor, variance: Tensor) -> Standardized:
    above_zero = variance + EPSILON
    # not rsqrt: of a variance that overflowed that is zero, and the layer would die in silence
    inverse = above_zero.sqrt().div_(above_zero)
    return Standardized(centred.mul_(inverse), mean, variance, inverse)


class Normalization:
    """One hidden layer's normalization in M runs: ``gains`` γ, ``shifts`` β and running statistics [M, 1, width]."""

    def __init__(self, axis: Axis, like: Tensor) -> None:
        """As it is before training, of the shape and kind of ``like`` [M, 1, width]."""
        self.axis = axis
        self.gains, self.shifts = torch.ones_like(like), torch.zeros_like(like)
        self.mean, self.variance = torch.zeros_like(like), torch.ones_like(like)

    def forward(self, z: Tensor, running: bool) -> tuple[Tensor, Standardized]:
        """γ ẑ + β of z [M, B, width], and ẑ; ``running`` says that z is evaluated, not trained on."""
        if running and self.axis.running:
            found = _by(z - self.mean, self.mean, self.variance)
        else:
            found = standardized(z, self.axis.number)
        return (found.values * self.gains).add_(self.shifts), found

    def backward(self, delta: Tensor, found: Standardized) -> tuple[Tensor, Tensor, Tensor]:
        """From dC/d(γ ẑ + β) [M, B, width] to dC/dz, and to dC/dγ and dC/dβ [M, 1, width], summed over the images.

        With d = γ dC/d(γ ẑ + β), dC/dz = (d - mean(d) - ẑ mean(d ẑ))/sqrt(variance + 1e-5): the derivatives of
        Ioffe and Szegedy (2015, sec. 3), gathered. ``found`` is what :meth:`forward` gave in training.
        """
        axis, d = self.axis.number, delta * self.gains
        through_statistics = found.values * (d * found.values).mean(axis, keepdim=True)
        z = d.sub(d.mean(axis, keepdim=True)).sub_(through_statistics).mul_(found.inverse)
        return z, (delta * found.values).sum(1, keepdim=True), delta.sum(1, keepdim=True)

    def remember(self, found: Standardized) -> None:
        """Let a minibatch's mean and unbiased variance into the running ones."""
        if self.axis.running:
            images = found.values.shape[1]
            self.mean.mul_(1 - MOMENTUM).add_(found.mean, alpha=MOMENTUM)
            unbiased = MOMENTUM * images / (images - 1)
            self.variance.mul_(1 - MOMENTUM).add_(found.variance, alpha=unbiased)
