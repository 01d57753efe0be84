"""Probes: what is measured of every layer on the probe images, while the networks train.

The images are fed forward in blocks. Batch normalization takes each block's own statistics, as it takes a minibatch's
in training: running ones hold nothing yet at initialization. They are left as they are.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from gradgrid.train.images import ProbeBlock, Probes
from gradgrid.train.losses import Loss
from gradgrid.train.network import StackedNetwork
from gradgrid.train.passes import Deltas, Trace
from gradgrid.train.pixels import Minibatch
from gradgrid.train.products import product
from gradgrid.train.stack import Stack

SATURATED_BELOW = 0.05
"""An activation counts as saturated where its slope is below this share of the activation's largest slope."""


def measure(stack: Stack, probes: Probes, largest_slope: float) -> dict[str, Tensor]:
    """The gradient table's measures, each [runs, layers], of every run of a stack.

    ``largest_slope`` is the activation's largest |f'|. Saturation and death are measured on hidden layers alone;
    for the output layer they are NaN.
    """
    network = stack.network.reading()
    blocks = [
        _measure_block(network, stack.loss, block, SATURATED_BELOW * largest_slope) for block in probes.blocks
    ]
    sums = reduce(_Sums.joined, blocks)
    gradients = [network.by_run(sums.weights[0]), *sums.weights[1:]]
    weight_norms = _norms([network.first_weights(), *network.weights])
    measures = {
        "bias_gradient_norm": _norms(sums.biases) / sums.images,
        "weight_gradient_norm": _norms(gradients) / sums.images,
        "weight_norm": weight_norms,
        "activation_mean": sums.mean,
        "activation_std": sums.variance.sqrt(),
        "saturated_fraction": _hidden(sums.saturated / sums.images),
        "dead_fraction": _hidden(torch.stack([(total == 0).float().mean(1) for total in sums.slopes], 1)),
    }
    rates = stack.rates.flatten()[:, None]
    measures["update_ratio"] = rates * measures["weight_gradient_norm"] / weight_norms
    return {name: values[: network.runs].cpu() for name, values in measures.items()}


def bias_gradients(stack: Stack, probes: Probes) -> list[Tensor]:
    """Mean dC/db (of a normalized layer dC/dβ) over the probe images, layer by layer [runs, neurons]."""
    network = stack.network.reading()
    sums = reduce(_Sums.joined, [_measure_block(network, stack.loss, block, 0.0) for block in probes.blocks])
    return [total[: network.runs] / sums.images for total in sums.biases]


def layer_norms(
    network: StackedNetwork, images: Minibatch | ProbeBlock, trace: Trace, deltas: Deltas
) -> tuple[Tensor, Tensor]:
    """Norms [M, layers] of the mean bias gradient and of the mean weight gradient of each layer over ``images``."""
    first, *others = weight_gradients(network, images, trace, deltas)
    size = len(images.targets)
    weights = _norms([network.by_run(first), *others]) / size
    return _norms(deltas.of_shifts()) / size, weights


@dataclass(frozen=True)
class _Sums:
    """What was measured on some images, so that blocks of images can be joined.

    ``biases`` (of normalized layers the shifts β) and ``weights`` are the summed gradients layer by layer, layer 1's
    laid out as the network's table;
    ``mean`` and ``variance`` [M, layers] are those of the activations; ``saturated`` [M, hidden layers] is the
    saturated share, and ``slopes`` of each hidden layer each neuron's |f'(z)| [M, width], summed over the images.
    """

    images: int
    biases: list[Tensor]
    weights: list[Tensor]
    mean: Tensor
    variance: Tensor
    saturated: Tensor
    slopes: list[Tensor]

    def joined(self, other: "_Sums") -> "_Sums":
        """The same for the images of both (variance: Chan, Golub and LeVeque, 1979)."""
        images = self.images + other.images
        share = other.images / images
        apart = other.mean - self.mean
        within = self.variance.lerp(other.variance, share)
        return _Sums(
            images,
            [a.add_(b) for a, b in zip(self.biases, other.biases, strict=True)],
            [a.add_(b) for a, b in zip(self.weights, other.weights, strict=True)],
            self.mean + share * apart,
            within + share * (1 - share) * apart.square(),
            self.saturated + other.saturated,
            [a.add_(b) for a, b in zip(self.slopes, other.slopes, strict=True)],
        )


def _measure_block(
    network: StackedNetwork, loss: Callable[[Tensor, Tensor], Loss], block: ProbeBlock, flat: float
) -> _Sums:
    """Feed one block forward and backward; slopes below ``flat`` count as saturated."""
    trace = network.forward(block.images, block.targets, loss)
    deltas = network.backward(trace)
    outputs = [*trace.activations, trace.loss.outputs]
    moments = [_moments(a.flatten(1)) for a in outputs]
    steep = [slope.abs() for slope in trace.slopes]
    images = len(block.labels)
    return _Sums(
        images,
        deltas.of_shifts(),
        list(weight_gradients(network, block, trace, deltas)),
        torch.stack([mean for mean, _ in moments], 1),
        torch.stack([variance for _, variance in moments], 1),
        torch.stack([(s < flat).flatten(1).float().mean(1) for s in steep], 1) * images,
        [s.sum(1) for s in steep],
    )


def weight_gradients(
    network: StackedNetwork, block: Minibatch | ProbeBlock, trace: Trace, deltas: Deltas
) -> Iterable[Tensor]:
    """Weight gradients summed over some images, layer by layer: [pixels, M·width], then [M, out, in]."""
    yield block.transposed.times(network.side_by_side(deltas.layers[0]))
    for delta, a in zip(deltas.layers[1:], trace.activations, strict=True):
        yield product(delta.mT, a)


def _moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance [M] of values [M, n]. (``torch.std`` takes five times as long.)"""
    mean = values.mean(1)
    return mean, (values - mean[:, None]).square_().mean(1)


def _norms(tensors: Iterable[Tensor]) -> Tensor:
    """Euclidean norm of each run's part of every tensor, as [M, layers]."""
    return torch.stack([torch.linalg.vector_norm(tensor.flatten(1), dim=1) for tensor in tensors], 1)


def _hidden(values: Tensor) -> Tensor:
    """Values [M, hidden layers] with NaN for the output layer."""
    return torch.cat([values, torch.full_like(values[:, :1], torch.nan)], 1)
