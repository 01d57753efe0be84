"""Mean-field theory by quadrature, roughly and fast: what the synthetic tables of the laboratory follow."""

from functools import cache
from statistics import NormalDist

import numpy as np
import pandas as pd

Z = np.array([NormalDist().inv_cdf((i + 0.5) / 100) for i in range(100)])
"""Standard normal, every value as probable as another."""

FUNCTIONS = {
    "identity": lambda z: z,
    "tanh": np.tanh,
    "sigmoid": lambda z: (1 + np.tanh(z / 2)) / 2,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
    "selu": lambda z: 1.0507 * np.where(z > 0, z, 1.6733 * np.expm1(np.minimum(z, 0))),
    "gelu": lambda z: z * (1 + np.tanh(0.7979 * z)) / 2,
    "silu": lambda z: z * (1 + np.tanh(z / 2)) / 2,
    "softplus": lambda z: np.logaddexp(0, z),
    "softsign": lambda z: z / (1 + np.abs(z)),
    "hardtanh": lambda z: np.clip(z, -1, 1),
}
NO_DRAWS = ("uniform", "constant", "orthogonal", "identity", "sparse", "lsuv")
TORCH_GAINS = {
    "identity": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": 2**0.5, "leaky_relu": 2**0.5, "selu": 0.75,
}  # fmt: skip


def function(activation: str, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """f(z) and f'(z), by differences."""
    f = FUNCTIONS[activation.partition("(")[0]]
    h = 1e-4 * np.maximum(np.abs(z), 1)
    return f(z), (f(z + h) - f(z - h)) / (2 * h)


def weight_variance(initializer: str, activation: str, width: int) -> float:
    """Variance of the weights times the fan-in; a guess where the weights are no independent draws."""
    second = np.square(function(activation, Z)[0]).mean()
    gain = TORCH_GAINS.get(activation.partition("(")[0], second**-0.5)
    kinds = {
        "normal": width, "uniform": width / 3, "constant": 0.01 * width, "sparse": 9e-5 * width,
        "trunc_normal": 3.1e-4 * width, "lecun_normal": 1.0, "identity": 1.0, "torch_default": 1 / 3,
    }  # fmt: skip
    return kinds.get(initializer.partition("(")[0], gain**2)


@cache
def by_layer(activation: str, sigma_w2: float, depth: int, held: bool = False) -> pd.DataFrame:
    """Layer by layer what mean-field theory says of inputs N(0, 1); ``held``: weights are rescaled to keep q at 1."""
    steepest = np.abs(function(activation, np.linspace(-9, 9, 301))[1]).max()
    f, rows = Z, []
    for layer in range(1, depth + 1):
        factor = 1 / np.square(f).mean() if held else sigma_w2
        q = min(factor * np.square(f).mean(), 1e90)
        f, slope = function(activation, np.sqrt(q) * Z)
        flat, zero = (np.abs(slope) < share * steepest for share in (0.05, 1e-12))
        rows.append(
            (layer, f.std(), np.sqrt(q), factor * np.square(slope).mean(), flat.mean(), zero.mean() ** 2)
        )
    measures = ["activation_std", "preactivation_std", "chi", "saturated_fraction", "dead_fraction"]
    return pd.DataFrame(rows, columns=["layer", *measures])
