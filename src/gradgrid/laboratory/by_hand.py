"""Initializations written by hand, as teaching texts do, beside the library's: are they one distribution?"""

from collections.abc import Callable
from functools import partial
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
    """An initialization by hand: normal with standard deviation :meth:`size`, or uniform with that bound.

    ``library`` gives PyTorch's weights for an empty tensor [n_out, n_in].
    """

    initializer: str
    family: str
    numerator: int
    both_fans: bool
    library: Callable[[Tensor], Tensor]

    @property
    def text(self) -> str:
        """The formula as teaching texts write it."""
        name = "std" if self.family == "normal" else "a"
        root = "gain · sqrt({} / (n_in + n_out))" if self.both_fans else "sqrt({} / n_in)"
        return f"{name} = {root.format(self.numerator)}"

    def size(self, n_in: int, n_out: int) -> float:
        """Standard deviation or bound of weights between so many neurons."""
        return GAIN * sqrt(self.numerator / (n_in + n_out)) if self.both_fans else sqrt(self.numerator / n_in)


def _linear(weight: Tensor) -> Tensor:
    return nn.Linear(weight.shape[1], weight.shape[0], bias=False).weight


FORMULAS = (
    Formula("lecun_normal", "normal", 1, False, partial(init.kaiming_normal_, nonlinearity="linear")),
    Formula("xavier_uniform", "uniform", 6, True, partial(init.xavier_uniform_, gain=GAIN)),
    Formula("xavier_normal", "normal", 2, True, partial(init.xavier_normal_, gain=GAIN)),
    Formula("kaiming_uniform", "uniform", 6, False, partial(init.kaiming_uniform_, nonlinearity="relu")),
    Formula("kaiming_normal", "normal", 2, False, partial(init.kaiming_normal_, nonlinearity="relu")),
    Formula("torch_default", "uniform", 1, False, _linear),
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
