"""Optimizers. Each entry turns one parameter's gradient into the direction of its step.

The step is w ← w - learning_rate · direction. ``gradient`` already holds the weight decay, as in ``torch.optim``;
``state`` is this parameter's own, kept from step to step. Shapes are arbitrary.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from gradgrid.core.registry import Positive, ProperFraction, entry


@dataclass
class State:
    """What an optimizer remembers of one parameter: steps taken so far, and named running averages.

    Where steps are replayed (replay.py) their number is a tensor, counted up in place: a number would be kept as it
    was when they were captured.
    """

    steps: int | Tensor = 0
    averages: dict[str, Tensor] = field(default_factory=dict)

    def average(self, name: str, like: Tensor) -> Tensor:
        """A running average of the shape of ``like``, at first zero."""
        if name not in self.averages:
            self.averages[name] = torch.zeros_like(like)
        return self.averages[name]


@entry
def sgd(gradient: Tensor, state: State) -> Tensor:
    """g: stochastic gradient descent (Robbins and Monro, 1951; Nielsen, ch. 1)."""
    return gradient


@entry
def momentum(gradient: Tensor, state: State, *, momentum: ProperFraction = 0.9) -> Tensor:
    """v ← momentum · v + g, direction v (Polyak, 1964; Sutskever et al., 2013)."""
    return state.average("velocity", gradient).mul_(momentum).add_(gradient)


@entry
def nesterov(gradient: Tensor, state: State, *, momentum: ProperFraction = 0.9) -> Tensor:
    """v ← momentum · v + g, direction g + momentum · v (Nesterov, 1983; as in ``torch.optim.SGD``)."""
    velocity = state.average("velocity", gradient).mul_(momentum).add_(gradient)
    return gradient.add(velocity, alpha=momentum)


@entry
def adam(
    gradient: Tensor,
    state: State,
    *,
    beta1: ProperFraction = 0.9,
    beta2: ProperFraction = 0.999,
    epsilon: Positive = 1e-8,
) -> Tensor:
    """Bias-corrected mean of g over root of the mean of g² (Kingma and Ba, 2015, algorithm 1)."""
    state.steps += 1
    mean = state.average("mean", gradient).mul_(beta1).add_(gradient, alpha=1 - beta1)
    square = state.average("square", gradient).mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
    root = (square / (1 - beta2**state.steps)).sqrt_().add_(epsilon)
    return mean / (1 - beta1**state.steps) / root
