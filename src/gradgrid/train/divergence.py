"""Divergence: which runs became non-finite, at which step, and in which layer first.

The training loop only looks at the parameters now and then. Where a run has become non-finite since the last
look, the steps between are taken again on a copy made then, bit for bit the same, and watched.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradgrid.train.network import Network
from gradgrid.train.pixels import AnyMinibatch
from gradgrid.train.stack import Stack


@dataclass(frozen=True)
class Divergence:
    """The update (counted from 1; 0: none, it was drawn) that met a run's first non-finite value, and its layer."""

    step: int
    layer: int


def at_initialization(stack: Stack) -> dict[int, Divergence]:
    """The runs of which an initial parameter is not finite."""
    layers = _first_bad(stack.network, *_parameters(stack.network)).tolist()
    return {run: Divergence(0, layer) for run, layer in enumerate(layers) if layer}


def locate(
    before: Stack, steps: Sequence[AnyMinibatch], taken: int, runs: Sequence[int]
) -> dict[int, Divergence]:
    """Take ``steps`` again on ``before``, which had ``taken`` updates, and watch the given runs."""
    found: dict[int, Divergence] = {}
    for number, minibatch in enumerate(steps, start=taken + 1):
        layers = _watched_step(before, minibatch).tolist()
        found |= {run: Divergence(number, layers[run]) for run in runs if run not in found and layers[run]}
    return found


def _watched_step(stack: Stack, minibatch: AnyMinibatch) -> Tensor:
    """Take a step; for each run [runs] the layer of the first non-finite value in it, 0 if all are finite.

    In the order of computation: activations and outputs upwards, deltas downwards, then the parameters upwards.
    A run counts once its parameters have been reached; until then an infinity may still vanish.
    """
    network = stack.network
    trace = stack.forward(minibatch)
    deltas = network.backward(trace)
    values = [*trace.activations, trace.loss.outputs, *reversed(deltas.layers)]
    stack.descend(minibatch, trace, deltas)
    ascending = list(range(1, network.depth + 2))
    parameters, layers = _parameters(network)
    first = _first_bad(network, [*values, *parameters], [*ascending, *reversed(ascending), *layers])
    return torch.where(network.finite().cpu(), 0, first)


def _parameters(network: Network) -> tuple[list[Tensor], list[int]]:
    """Every parameter upwards, weights first, and its layer."""
    ascending = list(range(1, network.depth + 2))
    # the vectors are biases, gains and shifts; the output layer has no gains and shifts
    scales = 2 * ascending[:-1] if network.normalizations else []
    values = [network.first_weights(), *network.weights, *network.vectors()]
    return values, [*ascending, *ascending, *scales]


def _first_bad(network: Network, values: Sequence[Tensor], layers: Sequence[int]) -> Tensor:
    """For each run [runs] the layer of its first value that is not finite, 0 if all are."""
    bad = torch.stack([~torch.isfinite(value).flatten(1).all(1) for value in values], 1)[: network.runs].cpu()
    return torch.where(bad.any(1), torch.tensor(layers)[bad.int().argmax(1)], 0)
