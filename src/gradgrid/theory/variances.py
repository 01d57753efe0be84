"""sigma_w2 and sigma_b2 of the project's initializers, for layers so wide that sums of inputs are normal."""

import math
from collections.abc import Callable
from typing import NamedTuple

from scipy.stats import truncnorm

from gradgrid.core.entries import Entry
from gradgrid.core.errors import GradgridError
from gradgrid.core.registry import entries
from gradgrid.train.gains import gain

_BIASES = {"normal": 1.0, "zero": 0.0}


class _Layer(NamedTuple):
    fan_in: int
    fan_out: int
    gain: float


def _uniform(layer: _Layer, low: float, high: float) -> float | None:
    return layer.fan_in * high**2 / 3 if low == -high else None


def _normal(layer: _Layer, mean: float, std: float) -> float | None:
    return layer.fan_in * std**2 if mean == 0 else None


def _xavier(layer: _Layer) -> float:
    return layer.gain**2 * 2 * layer.fan_in / (layer.fan_in + layer.fan_out)


def _kaiming(layer: _Layer) -> float:
    return layer.gain**2


def _sparse(layer: _Layer, sparsity: float, std: float) -> float:
    return layer.fan_in * std**2 * (1 - math.ceil(sparsity * layer.fan_out) / layer.fan_out)


_FORMULAS: dict[str, Callable[..., float | None]] = {
    "normal": _normal,
    "lecun_normal": lambda layer: 1.0,
    "xavier_uniform": _xavier,
    "xavier_normal": _xavier,
    "kaiming_uniform": _kaiming,
    "kaiming_normal": _kaiming,
    "uniform": _uniform,
    "orthogonal": lambda layer: layer.gain**2 * layer.fan_in / max(layer.fan_in, layer.fan_out),
    "sparse": _sparse,
    "trunc_normal": lambda layer, std: layer.fan_in * std**2 * float(truncnorm(-2, 2).var()),
    "torch_default": lambda layer: 1 / 3,
}
"""fan_in · Var(w) from the formulas in ``train/initializers.py``."""


def variance(initializer: Entry, activation: Entry, fan_in: int, fan_out: int) -> float | None:
    """sigma_w2 = fan_in · Var(w) of a hidden layer's weights [fan_out, fan_in]; None where the theory does not apply.

    That is where weights are no independent draws (constant, identity), have another mean than 0 (``uniform`` as
    PyTorch has it, U(0, 1)), or look at data (lsuv). Those of ``orthogonal`` are not independent, but have the same
    limit of wide layers for lengths and norms (Pennington, Schoenholz and Ganguli, 2017); those of ``sparse`` are
    independent from input to input, which is enough.
    """
    formula = _FORMULAS.get(initializer.name)
    if formula is None:
        return None
    declared = entries("initializers")[initializer.name].parameters
    parameters = {name: parameter.default for name, parameter in declared.items()} | initializer.keywords
    return formula(_Layer(fan_in, fan_out, gain(activation)), **parameters)


def bias_variance(bias: str) -> float:
    """sigma_b2 of the biases ``normal``, N(0, 1), or ``zero``; raises GradgridError for another word."""
    if bias not in _BIASES:
        raise GradgridError(f"biases: {bias!r} is not one of {', '.join(_BIASES)}")
    return _BIASES[bias]
