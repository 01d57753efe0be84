"""Initializations written by hand, as teaching texts do, beside the library's: are they one distribution?"""

from collections.abc import Callable
from math import sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy.stats import ks_2samp
from torch import Tensor, nn
from torch.nn import init

from gradgrid.core.seeds import derive

FAN_IN = 500
GAIN = init.calculate_gain("tanh")


class Formula(NamedTuple):
    """An initialization by hand: normal with standard deviation ``size(n_in, n_out)``, or uniform with that bound.

    ``library`` gives PyTorch's weights for an empty tensor [n_out, n_in].
    """

    initializer: str
    family: str
    text: str
    size: Callable[[int, int], float]
    library: Callable[[Tensor], Tensor]


FORMULAS = (
    Formula(
        "lecun_normal",
        "normal",
        "std = sqrt(1 / n_in)",
        lambda n_in, n_out: sqrt(1 / n_in),
        lambda weight: init.kaiming_normal_(weight, nonlinearity="linear"),
    ),
    Formula(
        "xavier_uniform",
        "uniform",
        "a = gain · sqrt(6 / (n_in + n_out))",
        lambda n_in, n_out: GAIN * sqrt(6 / (n_in + n_out)),
        lambda weight: init.xavier_uniform_(weight, GAIN),
    ),
    Formula(
        "xavier_normal",
        "normal",
        "std = gain · sqrt(2 / (n_in + n_out))",
        lambda n_in, n_out: GAIN * sqrt(2 / (n_in + n_out)),
        lambda weight: init.xavier_normal_(weight, GAIN),
    ),
    Formula(
        "kaiming_uniform",
        "uniform",
        "a = sqrt(6 / n_in)",
        lambda n_in, n_out: sqrt(6 / n_in),
        lambda weight: init.kaiming_uniform_(weight, nonlinearity="relu"),
    ),
    Formula(
        "kaiming_normal",
        "normal",
        "std = sqrt(2 / n_in)",
        lambda n_in, n_out: sqrt(2 / n_in),
        lambda weight: init.kaiming_normal_(weight, nonlinearity="relu"),
    ),
    Formula(
        "torch_default",
        "uniform",
        "a = sqrt(1 / n_in)",
        lambda n_in, n_out: sqrt(1 / n_in),
        lambda weight: nn.Linear(weight.shape[1], weight.shape[0], bias=False).weight,
    ),
)
"""The initializations of teaching texts; ``gain`` is that of tanh, and n_in and n_out are the fans."""


def by_hand(draws: int = 100_000) -> pd.DataFrame:
    """The table ``laboratory/by_hand``, from weights [draws ÷ FAN_IN, FAN_IN] by hand (NumPy) and by library."""
    return pd.DataFrame([compare(formula, draws // FAN_IN) for formula in FORMULAS])


def compare(formula: Formula, fan_out: int) -> dict[str, str | float]:
    """One row of the table: standard deviations, and the two-sample Kolmogorov–Smirnov test."""
    size = formula.size(FAN_IN, fan_out)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive("by library", formula.initializer))
        library = formula.library(torch.empty(fan_out, FAN_IN)).detach().flatten().double().numpy()
    random = np.random.default_rng(derive("by hand", formula.initializer))
    normal = formula.family == "normal"
    hand = random.normal(0, size, library.size) if normal else random.uniform(-size, size, library.size)
    test = ks_2samp(hand, library)
    return {
        "initializer": formula.initializer,
        "formula": formula.text,
        "std_by_hand": hand.std(),
        "std_by_library": library.std(),
        "std_expected": size if normal else size / sqrt(3),
        "statistic": test.statistic,
        "p_value": test.pvalue,
    }
