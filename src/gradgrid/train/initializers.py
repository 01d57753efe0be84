"""Initializers. Each entry fills one layer's weights [out, in] in place, as ``torch.nn.init`` would.

A run is initialized layer by layer on its own 2-D tensors: on stacked tensors ``torch.nn.init`` works out wrong
fans without an error. Every entry takes its draws from ``draw.generator`` alone, which is seeded by the run's
seed and the layer, so that two initializers of one distribution family see the same underlying draws.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import init

from gradgrid.core.registry import Finite, Fraction, Positive, entry


@dataclass(frozen=True)
class Draw:
    """What an initializer may use beside the weights.

    ``gain`` belongs to the activation that follows (gains.py); ``inputs()`` gives the layer's input activations
    [images, in] on the probe images, worked out through the layers initialized so far.
    """

    generator: torch.Generator
    gain: float
    inputs: Callable[[], Tensor]


@entry
def normal(weight: Tensor, draw: Draw, *, mean: Finite = 0.0, std: Positive = 1.0) -> None:
    """N(mean, std²), whatever the fan: with std 1 the book's first, large initialization (Nielsen, ch. 1)."""
    init.normal_(weight, mean, std, generator=draw.generator)


@entry
def lecun_normal(weight: Tensor, draw: Draw) -> None:
    """N(0, 1/fan_in): LeCun et al., 1998, sec. 4.6; the book's improved default (Nielsen, ch. 3)."""
    init.normal_(weight, 0.0, weight.shape[1] ** -0.5, generator=draw.generator)


@entry
def xavier_uniform(weight: Tensor, draw: Draw) -> None:
    """U(±gain · sqrt(6/(fan_in+fan_out))), also known as Glorot (Glorot and Bengio, 2010, eq. 16)."""
    init.xavier_uniform_(weight, draw.gain, generator=draw.generator)


@entry
def xavier_normal(weight: Tensor, draw: Draw) -> None:
    """N(0, gain² · 2/(fan_in+fan_out)), also known as Glorot (Glorot and Bengio, 2010, eq. 12)."""
    init.xavier_normal_(weight, draw.gain, generator=draw.generator)


@entry
def kaiming_uniform(weight: Tensor, draw: Draw) -> None:
    """U(±gain · sqrt(3/fan_in)), also known as He (He et al., 2015, eq. 10)."""
    init.kaiming_uniform_(weight, nonlinearity="linear", generator=draw.generator)
    weight.mul_(draw.gain)


@entry
def kaiming_normal(weight: Tensor, draw: Draw) -> None:
    """N(0, gain²/fan_in), also known as He (He et al., 2015, eq. 10)."""
    init.kaiming_normal_(weight, nonlinearity="linear", generator=draw.generator)
    weight.mul_(draw.gain)


@entry
def uniform(weight: Tensor, draw: Draw, *, low: Finite = 0.0, high: Finite = 1.0) -> None:
    """U(low, high), by default U(0, 1): all weights positive, as ``torch.nn.init.uniform_`` does unasked."""
    init.uniform_(weight, low, high, generator=draw.generator)


@entry
def constant(weight: Tensor, draw: Draw, *, value: Finite = 0.1) -> None:
    """Every weight the same: neurons of a layer start alike and only their biases can part them."""
    init.constant_(weight, value)


@entry
def orthogonal(weight: Tensor, draw: Draw) -> None:
    """gain · a random (semi-)orthogonal matrix (Saxe, McClelland and Ganguli, 2014)."""
    init.orthogonal_(weight, draw.gain, generator=draw.generator)


@entry
def identity(weight: Tensor, draw: Draw) -> None:
    """Ones on the diagonal, zeros elsewhere (Le, Jaitly and Hinton, 2015)."""
    init.eye_(weight)


@entry
def sparse(weight: Tensor, draw: Draw, *, sparsity: Fraction = 0.1, std: Positive = 0.01) -> None:
    """N(0, std²) with a share ``sparsity`` of each input's weights set to zero (Martens, 2010)."""
    # PyTorch takes the positions of the zeros from its global generator, whatever generator it is given.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(draw.generator.initial_seed())
        init.sparse_(weight, sparsity, std)


@entry
def trunc_normal(weight: Tensor, draw: Draw, *, std: Positive = 0.02) -> None:
    """N(0, std²) cut off at two standard deviations; 0.02 as in BERT (Devlin et al., 2019)."""
    init.trunc_normal_(weight, 0.0, std, -2 * std, 2 * std, generator=draw.generator)


@entry
def torch_default(weight: Tensor, draw: Draw) -> None:
    """U(±1/sqrt(fan_in)), as ``torch.nn.Linear`` draws its weights: kaiming_uniform_ with a = sqrt(5)."""
    init.kaiming_uniform_(weight, a=math.sqrt(5), generator=draw.generator)


@entry
def lsuv(weight: Tensor, draw: Draw, *, tolerance: Positive = 0.02) -> None:
    """Orthonormal, then scaled until W·inputs has variance 1 on the probe images (Mishkin and Matas, 2016).

    At most 20 divisions by the standard deviation, as in the official code; the layer's bias is left out.
    A layer whose inputs are all zero keeps its orthonormal weights.
    """
    init.orthogonal_(weight, generator=draw.generator)
    inputs = draw.inputs()
    for _ in range(20):
        variance = (inputs @ weight.T).var(correction=0)
        if not variance > 0 or abs(variance - 1) <= tolerance:
            return
        weight.div_(variance.sqrt())
