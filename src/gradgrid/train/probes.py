"""Probes: what is measured of every layer on the probe images, while the networks train."""

from collections.abc import Iterable

import torch
from torch import Tensor

from gradgrid.train.images import Probes
from gradgrid.train.network import StackedNetwork, Trace
from gradgrid.train.products import product
from gradgrid.train.stack import Stack

SATURATED_BELOW = 0.05
"""An activation counts as saturated where its slope is below this share of the activation's largest slope."""


def measure(stack: Stack, probes: Probes, largest_slope: float) -> dict[str, Tensor]:
    """The gradient table's measures, each [runs, layers], of every run of a stack.

    ``largest_slope`` is the activation's largest |f'|. Saturation and death are measured on hidden layers alone;
    for the output layer they are NaN.
    """
    network = stack.network
    trace = network.forward(probes.images, probes.targets, stack.loss)
    deltas = network.backward(trace)
    outputs = [*trace.activations, trace.loss.outputs]
    weight_norms = _norms([network.first_weights(), *network.weights])
    measures = {
        "bias_gradient_norm": _norms(delta.mean(1) for delta in deltas),
        "weight_gradient_norm": _norms(weight_gradients(network, probes, trace, deltas)),
        "weight_norm": weight_norms,
        "activation_mean": _per_layer(a.flatten(1).mean(1) for a in outputs),
        "activation_std": _per_layer(a.flatten(1).std(1, correction=0) for a in outputs),
        "saturated_fraction": _hidden(
            (slope.abs() < SATURATED_BELOW * largest_slope).flatten(1).float().mean(1)
            for slope in trace.slopes
        ),
        "dead_fraction": _hidden((slope == 0).all(1).float().mean(1) for slope in trace.slopes),
    }
    rates = stack.rates.flatten()[:, None]
    measures["update_ratio"] = rates * measures["weight_gradient_norm"] / weight_norms
    return {name: values[: network.runs].cpu() for name, values in measures.items()}


def weight_gradients(
    network: StackedNetwork, probes: Probes, trace: Trace, deltas: list[Tensor]
) -> Iterable[Tensor]:
    """Mean weight gradients over the probe images, layer by layer: [M, inputs, width], then [M, out, in]."""
    images = len(probes.labels)
    yield network.by_run(probes.transposed.times(network.side_by_side(deltas[0]))) / images
    for delta, a in zip(deltas[1:], trace.activations, strict=True):
        yield product(delta.mT, a) / images


def _norms(tensors: Iterable[Tensor]) -> Tensor:
    """Euclidean norm of each run's part of every tensor, as [M, layers]."""
    return _per_layer(torch.linalg.vector_norm(tensor.flatten(1), dim=1) for tensor in tensors)


def _per_layer(values: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(values), 1)


def _hidden(values: Iterable[Tensor]) -> Tensor:
    found = list(values)
    return _per_layer([*found, torch.full_like(found[0], torch.nan)])
