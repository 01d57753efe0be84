"""Losses. Each entry maps the output layer's pre-activations and targets to :class:`Loss`.

Shapes: ``z`` and ``targets`` are [..., classes], ``targets`` one-hot.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from gradgrid.core.registry import entry


@dataclass(frozen=True)
class Loss:
    """What a loss says of each image.

    ``outputs`` [..., classes] are the network's activations, ``delta`` [..., classes] is dC/dz of each image's
    own cost, and ``cost()`` [...] is that cost, worked out only when asked for.
    """

    outputs: Tensor
    delta: Tensor
    cost: Callable[[], Tensor]


@entry
def cross_entropy(z: Tensor, targets: Tensor) -> Loss:
    """-sum(y ln a + (1-y) ln(1-a)), a = sigmoid(z): dC/dz = a - y (Nielsen, ch. 3, eq. 63)."""
    a = torch.sigmoid(z)
    return Loss(
        a,
        a - targets,
        lambda: F.binary_cross_entropy_with_logits(z, targets.expand_as(z), reduction="none").sum(-1),
    )


@entry
def softmax_cross_entropy(z: Tensor, targets: Tensor) -> Loss:
    """-sum(y ln a), a = softmax(z): dC/dz = a - y (Nielsen, ch. 3, eq. 80)."""
    a = torch.softmax(z, -1)
    return Loss(a, a - targets, lambda: torch.logsumexp(z, -1) - (z * targets).sum(-1))


@entry
def quadratic(z: Tensor, targets: Tensor) -> Loss:
    """||y - a||² / 2, a = sigmoid(z): dC/dz = (a - y) a (1 - a) (Nielsen, ch. 1, eq. 6)."""
    a = torch.sigmoid(z)
    error = a - targets
    return Loss(a, error * a * (1 - a), lambda: error.square().sum(-1) / 2)
