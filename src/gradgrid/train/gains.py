"""Gains: how much larger the weights before an activation must be for the signal to keep its size."""

import math
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from gradgrid.core.entries import Entry
from gradgrid.train import activations

_IN_TORCH = {"identity": "linear", "sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu", "selu": "selu"}


def activation_function(activation: Entry) -> Callable[[Tensor], activations.Pair]:
    """The registry's function with the entry's parameters filled in."""
    function, parameters = getattr(activations, activation.name), dict(activation.parameters)
    return lambda z: function(z, **parameters)


@cache
def gain(activation: Entry) -> float:
    """The gain of Xavier and Kaiming initialization for an activation.

    ``torch.nn.init.calculate_gain`` where PyTorch has one; elsewhere, a sigmoid with another steepness among them,
    the second-moment gain 1/sqrt(E[f(z)²]) for standard-normal z, the condition from which He et al. (2015,
    eq. 10) derive sqrt(2) for ReLU.
    """
    if activation.name in _IN_TORCH and not activation.parameters:
        return torch.nn.init.calculate_gain(_IN_TORCH[activation.name])
    if activation.name == "leaky_relu":
        return torch.nn.init.calculate_gain(
            "leaky_relu", dict(activation.parameters).get("negative_slope", 0.01)
        )
    return second_moment_gain(activation)


def second_moment_gain(activation: Entry) -> float:
    """1/sqrt(E[f(z)²]), z standard normal, by the trapezoidal rule on [-12, 12]."""
    z = torch.linspace(-12, 12, 100_001, dtype=torch.float64)
    density = torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    value, _ = activation_function(activation)(z)
    return float(torch.trapezoid(value.square() * density, z).rsqrt())


@cache
def largest_slope(activation: Entry) -> float:
    """The largest |f'(z)|, on a grid over [-12, 12]: 1/4 for the sigmoid, 1 for tanh and ReLU."""
    _, slope = activation_function(activation)(torch.linspace(-12, 12, 100_001, dtype=torch.float64))
    return float(slope.abs().max())
