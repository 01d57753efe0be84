"""Activations of the hidden layers. Each entry maps pre-activations z to the pair (f(z), f'(z)).

Both have the shape and type of ``z``, whatever it is; at a kink the derivative is PyTorch's.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from gradgrid.core.registry import Finite, NonNegative, Positive, entry

Pair = tuple[Tensor, Tensor]


@entry
def identity(z: Tensor) -> Pair:
    """z: a linear network, whose gradients are plain products of weight matrices."""
    return z.clone(), torch.ones_like(z)


@entry
def sigmoid(z: Tensor, *, steepness: Positive = 1.0) -> Pair:
    """1 / (1 + exp(-steepness · z)); slope at most steepness/4 (Nielsen, Neural Networks and Deep Learning, ch. 1)."""
    if steepness != 1:
        a, slope = sigmoid(steepness * z)
        return a, steepness * slope
    a = torch.sigmoid(z)
    return a, a * (1 - a)


@entry
def tanh(z: Tensor) -> Pair:
    """(exp(z) - exp(-z)) / (exp(z) + exp(-z)); slope at most 1 (LeCun et al., 1998)."""
    a = torch.tanh(z)
    return a, 1 - a * a


@entry
def lecun_tanh(z: Tensor) -> Pair:
    """1.7159 tanh(2z/3), whose fixed points are ±1 (LeCun et al., Efficient BackProp, 1998, sec. 4.4)."""
    t = torch.tanh(z * (2 / 3))
    return 1.7159 * t, (1.7159 * 2 / 3) * (1 - t * t)


@entry
def hardtanh(z: Tensor) -> Pair:
    """z cut off at ±1 (Collobert, 2004)."""
    return z.clamp(-1, 1), ((z > -1) & (z < 1)).to(z.dtype)


@entry
def softsign(z: Tensor) -> Pair:
    """z / (1 + |z|), with polynomial tails (Bergstra et al., 2009)."""
    divisor = 1 + z.abs()
    return z / divisor, divisor.pow(-2)


@entry
def relu(z: Tensor) -> Pair:
    """max(0, z) (Nair and Hinton, 2010)."""
    return z.clamp(min=0), (z > 0).to(z.dtype)


@entry
def leaky_relu(z: Tensor, *, negative_slope: Finite = 0.01) -> Pair:
    """z if z > 0, else negative_slope · z (Maas, Hannun and Ng, 2013)."""
    slope = torch.full_like(z, negative_slope).masked_fill_(z > 0, 1.0)
    return z * slope, slope


@entry
def elu(z: Tensor, *, alpha: NonNegative = 1.0) -> Pair:
    """z if z > 0, else alpha · (exp(z) - 1) (Clevert, Unterthiner and Hochreiter, 2016)."""
    below = alpha * torch.expm1(z.clamp(max=0))
    return torch.where(z > 0, z, below), torch.where(z > 0, 1.0, below + alpha)


@entry
def selu(z: Tensor) -> Pair:
    """lambda · elu(z; alpha), constants with the fixed point mean 0, variance 1 (Klambauer et al., 2017)."""
    alpha, scale = 1.6732632423543772, 1.0507009873554805
    a, slope = elu(z, alpha=alpha)
    return scale * a, scale * slope


@entry
def gelu(z: Tensor) -> Pair:
    """z · Phi(z), Phi the standard normal distribution function (Hendrycks and Gimpel, 2016)."""
    phi = torch.exp(-0.5 * z * z) * (1 / math.sqrt(2 * math.pi))
    cumulative = 0.5 * (1 + torch.erf(z * math.sqrt(0.5)))
    return z * cumulative, cumulative + z * phi


@entry
def silu(z: Tensor) -> Pair:
    """z · sigmoid(z), also known as swish (Elfwing, Uchibe and Doya, 2018)."""
    s = torch.sigmoid(z)
    a = z * s
    return a, s + a * (1 - s)


@entry
def softplus(z: Tensor, *, beta: Positive = 1.0) -> Pair:
    """log(1 + exp(beta · z)) / beta, a smooth rectifier (Dugas et al., 2001)."""
    return F.logsigmoid(-beta * z) / -beta, torch.sigmoid(beta * z)
