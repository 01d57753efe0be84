"""Updates: one step of every run of a stack, from its deltas.

:class:`SparseDescent` is plain gradient descent, which touches only the weights of pixels that are not zero;
:class:`DenseUpdate` serves every optimizer, and would give the same for ``sgd`` (a test compares them).
Both follow ``torch.optim``: clipping first, then weight decay, on weights and not on biases (Nielsen, ch. 3), gains
and shifts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from gradgrid.core.entries import Entry
from gradgrid.train import optimizers
from gradgrid.train.clipping import Cutter
from gradgrid.train.network import OwnImagesNetwork, StackedNetwork
from gradgrid.train.passes import Deltas, Trace
from gradgrid.train.pixels import AnyMinibatch, Minibatch
from gradgrid.train.products import product


@dataclass(frozen=True)
class Gradients:
    """What a backward pass leaves, and ``factor`` [M, 1, 1], by which sums over the images are to be multiplied
    (1/B, and clipping by norm)."""

    deltas: Deltas
    trace: Trace
    minibatch: AnyMinibatch
    factor: Tensor


@dataclass(frozen=True)
class Rates:
    """Settings of a step: learning rates [M, 1, 1], weight decay (the book's lambda/n), and the absolute values
    [M, 1, 1] at which gradients are cut off (None: no run is)."""

    learning: Tensor
    decay: float
    limits: Tensor | None


class Update(Protocol):
    """One step of a network's parameters; ``states`` is what is remembered between steps, parameter by parameter."""

    states: list[optimizers.State]

    def step(self, network: StackedNetwork, gradients: Gradients) -> Tensor | bool:
        """Update the network in place; returns whose gradients were cut off at their limits [M]."""


class SparseDescent:
    """w ← (1 - learning_rate · decay) w - learning_rate · gradient, nothing remembered.

    Weight decay of layer 1 goes into the runs' scale, and its gradient has rows for the active pixels only.
    """

    def __init__(self, rates: Rates) -> None:
        self.rates = rates
        self.states: list[optimizers.State] = []
        self.shrinkage = rates.learning.double() * rates.decay

    def step(self, network: StackedNetwork, gradients: Gradients) -> Tensor | bool:
        """See :class:`Update`."""
        learning, limits = self.rates.learning, self.rates.limits
        cutter = Cutter(None if limits is None else learning * limits)
        steps = gradients.deltas.times(learning * gradients.factor)
        network.shrink(self.shrinkage)
        rows = _active_rows(network, gradients.minibatch, steps.layers[0] / network.scale)
        cutter.side_by_side(rows, 1 / network.scale)
        network.table.index_add_(0, gradients.minibatch.active, rows, alpha=-1)
        for weights, step, a in zip(
            network.weights, steps.layers[1:], gradients.trace.activations, strict=True
        ):
            weights.sub_(cutter.by_run(product(step.mT, a)))
        for vector, step in zip(network.vectors(), steps.of_vectors(), strict=True):
            vector.sub_(cutter.by_run(step))
        return cutter.cut


class OwnImagesDescent:
    """The same for runs that each see their own images; they share one learning rate and have no limits.

    Weight decay and update are one in-place ``baddbmm_`` a layer.
    """

    def __init__(self, learning_rate: float, decay: float) -> None:
        self.learning_rate = learning_rate
        self.states: list[optimizers.State] = []
        self.kept = 1 - learning_rate * decay

    def step(self, network: OwnImagesNetwork, gradients: Gradients) -> bool:
        """See :class:`Update`."""
        steps = gradients.deltas.times(self.learning_rate * gradients.factor)
        inputs = [gradients.minibatch.images, *gradients.trace.activations]
        for weights, step, a in zip([network.first, *network.weights], steps.layers, inputs, strict=True):
            weights.baddbmm_(step.mT, a, beta=self.kept, alpha=-1)
        for biases, step in zip(network.biases, steps.of_vectors(), strict=True):
            biases.sub_(step)
        return False


class DenseUpdate:
    """Any optimizer: the whole gradient of every parameter, weight decay added to it as in ``torch.optim``."""

    def __init__(self, rates: Rates, direction: Callable[[Tensor, optimizers.State], Tensor]) -> None:
        self.rates = rates
        self.direction = direction
        self.states: list[optimizers.State] = []

    def step(self, network: StackedNetwork, gradients: Gradients) -> Tensor | bool:
        """See :class:`Update`."""
        cutter = Cutter(self.rates.limits)
        mean = gradients.deltas.times(gradients.factor)
        found = [self._first(network, gradients.minibatch, mean.layers[0], cutter)]
        pairs = zip(mean.layers[1:], gradients.trace.activations, strict=True)
        found += [cutter.by_run(product(delta.mT, a)) for delta, a in pairs]
        decayed = zip(found, network.tensors(), strict=False)  # weights come first
        found = [gradient.add_(weights, alpha=self.rates.decay) for gradient, weights in decayed]
        found += [cutter.by_run(gradient) for gradient in mean.of_vectors()]
        self._apply(network, found)
        return cutter.cut

    def _apply(self, network: StackedNetwork, gradients: Sequence[Tensor]) -> None:
        self.states = self.states or [self._nothing_yet() for _ in gradients]
        directions = map(self.direction, gradients, self.states)
        self._descend_first(network, next(directions))
        for parameter, direction in zip(network.tensors()[1:], directions, strict=True):
            parameter.sub_(direction * self.rates.learning)

    def _nothing_yet(self) -> optimizers.State:
        """What is remembered of a parameter before the first step."""
        return optimizers.State()

    def _first(self, network: StackedNetwork, minibatch: Minibatch, deltas: Tensor, cutter: Cutter) -> Tensor:
        """The whole gradient of layer 1, cut off, in the form in which the network keeps its weights."""
        rows = _active_rows(network, minibatch, deltas)
        cutter.side_by_side(rows)
        return torch.zeros_like(network.table).index_add_(0, minibatch.active, rows)

    def _descend_first(self, network: StackedNetwork, direction: Tensor) -> None:
        """The step of layer 1's weights."""
        first = direction.view(len(network.table), network.stacked, -1)
        network.table.view_as(first).sub_(first * self.rates.learning.transpose(0, 1))


LARGEST_SHRINKAGE = 0.1
"""Learning rate times decay above which layer 1's scale would grow too small between two folds."""


def is_sparse(optimizer: Entry, learning_rate: float, decay: float) -> bool:
    """Whether :class:`SparseDescent` serves a run; what its neighbours are has no say."""
    return optimizer.name == "sgd" and learning_rate * decay <= LARGEST_SHRINKAGE


def make_update(optimizer: Entry, rates: Rates, sparse: bool) -> Update:
    """The update of a registry optimizer."""
    if sparse:
        return SparseDescent(rates)
    return DenseUpdate(rates, direction_of(optimizer))


def direction_of(optimizer: Entry) -> Callable[[Tensor, optimizers.State], Tensor]:
    """The function of a registry optimizer, with the entry's parameters."""
    function = getattr(optimizers, optimizer.name)
    return lambda gradient, state: function(gradient, state, **optimizer.keywords)


def _active_rows(network: StackedNetwork, minibatch: Minibatch, deltas: Tensor) -> Tensor:
    """Rows [p, M·width] of the gradient of layer 1's table that belong to active pixels; the others are zero."""
    return minibatch.transposed.times(network.side_by_side(deltas))
