"""A run's parameters before training: the initializer applied layer by layer, and the biases."""

import itertools

import torch
from torch import Tensor

from gradgrid.core.plan import Run
from gradgrid.core.seeds import derive
from gradgrid.train import initializers
from gradgrid.train.gains import gain
from gradgrid.train.hidden import Hidden
from gradgrid.train.network import Parameters
from gradgrid.train.normalization import standardized


def layer_sizes(inputs: int, depth: int, width: int, classes: int) -> list[int]:
    """Neurons of every layer, inputs first: [784, 30, 30, 10] for depth 2 and width 30."""
    return [inputs, *[width] * depth, classes]


def initialize(run: Run, bias: str, probes: Tensor, classes: int) -> Parameters:
    """Draw a run's weights [out, in] and biases [out] on the CPU, in float32.

    The draws of a layer depend on the seed and the layer's number alone, so cells are paired by seed. ``bias``
    is ``normal``, N(0, 1) as in the book, or ``zero``. ``probes`` [images, inputs] serve the initializers that
    look at data.
    """
    cell = run.cell
    sizes = layer_sizes(probes.shape[1], cell.depth, cell.width, classes)
    parameters: Parameters = []
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes), start=1):
        weight = torch.empty(fan_out, fan_in)
        draw = initializers.Draw(
            generator=_generator("weights", run.seed, layer),
            gain=gain(cell.activation) if layer <= cell.depth else 1.0,
            inputs=lambda: _activations(run, parameters, probes),
        )
        getattr(initializers, cell.initializer.name)(weight, draw, **cell.initializer.keywords)
        parameters.append((weight, _biases(bias, fan_out, run.seed, layer)))
    return parameters


def _activations(run: Run, parameters: Parameters, probes: Tensor) -> Tensor:
    """Activations [images, out] of the layers initialized so far."""
    hidden, a = Hidden.of(run.cell), probes
    for layer, (weight, biases) in enumerate(parameters):
        z = a @ weight.T + biases
        if hidden.normalization:
            z = standardized(z, hidden.normalization.number).values
        f, _ = hidden.activation(z)
        a = a + f if hidden.residual and layer else f
    return a


def _biases(bias: str, size: int, seed: int, layer: int) -> Tensor:
    if bias == "zero":
        return torch.zeros(size)
    return torch.randn(size, generator=_generator("biases", seed, layer))


def _generator(*names: str | int) -> torch.Generator:
    return torch.Generator().manual_seed(derive(*names))
