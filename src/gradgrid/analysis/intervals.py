"""Means over seeds with their intervals."""

import numpy as np
import pandas as pd
from scipy.special import stdtrit

CONFIDENCE = 0.95


def mean_with_interval(values: "pd.api.typing.SeriesGroupBy") -> pd.DataFrame:
    """Mean, sample standard deviation and Student's t-interval of the mean: mean, std, low, high of every group.

    ``mean ± t(0.975, n − 1) · s ÷ √n`` over the n values that are not null; n = 1 gives the mean alone.
    """
    n = values.count()
    mean, std = values.mean(), values.std()
    # The quantile that scipy.stats.t.ppf gives, without the half second in which scipy.stats is loaded.
    half = stdtrit(n - 1, (1 + CONFIDENCE) / 2) * std / np.sqrt(n)
    return pd.DataFrame({"mean": mean, "std": std, "low": mean - half, "high": mean + half})
