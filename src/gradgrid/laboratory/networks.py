"""Untrained networks without biases: how far their layers carry a signal forward and a gradient backward."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gradgrid.core.entries import Entry
from gradgrid.train.gains import activation_function, largest_slope
from gradgrid.train.probes import SATURATED_BELOW

Inputs = Callable[[], Tensor]


class Networks(NamedTuple):
    """K networks side by side whose weights differ by a factor alone: layer l of network k has factor[k] · W_l.

    ``weights(layer, inputs)`` gives W_l [width, width], where ``inputs()`` [minibatch, width] reach that layer of the
    first network; ``factors(z)`` [K] may depend on the pre-activations z [K, minibatch, width] that W_l gives.
    """

    activations: Sequence[Entry]
    weights: Callable[[int, Inputs], Tensor]
    factors: Callable[[Tensor], Tensor]


class _Layer(NamedTuple):
    """What the backward pass needs: W_l, factors [K, 1, 1] and slopes f'(z) [K, minibatch, width]; and measures [K]."""

    weight: Tensor
    factors: Tensor
    slope: Tensor
    measures: dict[str, Tensor]


def deviation(values: Tensor) -> Tensor:
    """Standard deviation (divisor n) over all but the first axis, in float64; NaN if any value is not finite."""
    values = values.flatten(1).double()
    return (values - values.mean(1, keepdim=True)).square_().mean(1).sqrt_()


def propagate(networks: Networks, depth: int, inputs: Tensor, start: Tensor) -> dict[str, Tensor]:
    """Measures [K, layers] of a forward and a backward pass, in the precision of ``inputs`` [minibatch, width].

    ``start`` [minibatch, width] is the gradient with respect to the activations of the last layer; where activations
    overflow, of the last finite layer, as if the network ended there. All measures are NaN where activations of the
    layer or an earlier one are not finite (``nonfinite``), a deviation also where its own values are not. Only
    ``torch_std``, which is ``x.std()`` of the activations x of a network as they are, may be infinite.
    """
    layers = _forward(networks, depth, inputs)
    found = {name: torch.stack([layer.measures[name] for layer in layers], 1) for name in layers[0].measures}
    nonfinite = (~found["activation_std"].isfinite()).cumsum(1) > 0
    found["gradient_std"] = _backward(layers, start.to(inputs), (~nonfinite).sum(1))
    torch_std = found.pop("torch_std")
    held = {name: values.masked_fill(nonfinite, torch.nan) for name, values in found.items()}
    return {**held, "nonfinite": nonfinite, "torch_std": torch_std}


def _forward(networks: Networks, depth: int, inputs: Tensor) -> list[_Layer]:
    functions = [activation_function(activation) for activation in networks.activations]
    flat = torch.tensor([SATURATED_BELOW * largest_slope(activation) for activation in networks.activations])
    a, layers = inputs.expand(len(functions), *inputs.shape), []
    for layer in range(1, depth + 1):
        weight = networks.weights(layer, lambda a=a: a[0]).to(a)
        z = a @ weight.T
        factors = networks.factors(z)[:, None, None]
        z *= factors
        pairs = (function(values) for function, values in zip(functions, z, strict=True))
        a, slope = (torch.stack(values) for values in zip(*pairs, strict=True))
        layers.append(_Layer(weight, factors, slope, _measures(z, a, slope, flat[:, None, None])))
    return layers


def _measures(z: Tensor, a: Tensor, slope: Tensor, flat: Tensor) -> dict[str, Tensor]:
    return {
        "activation_std": deviation(a),
        "preactivation_std": deviation(z),
        "saturated_fraction": (slope.abs() < flat).flatten(1).float().mean(1),
        "dead_fraction": (slope == 0).all(1).float().mean(1),
        # One by one: along a dimension PyTorch sums in float64, and reaches further than a user's x.std() does.
        "torch_std": torch.stack([network.std() for network in a]),
    }


def _backward(layers: Sequence[_Layer], start: Tensor, last: Tensor) -> Tensor:
    """Deviations [K, layers] of the gradient; ``last`` [K] is the layer at which each network's begins."""
    gradient, found = torch.zeros_like(layers[0].slope), []
    for number, layer in reversed(list(enumerate(layers, start=1))):
        gradient[last == number] = start
        found.append(deviation(gradient))
        gradient = layer.factors * ((gradient * layer.slope) @ layer.weight)
    return torch.stack(found[::-1], 1)
