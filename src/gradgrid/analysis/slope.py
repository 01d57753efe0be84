"""The gradient slope: how many decades of speed of learning a layer loses or gains at initialization."""

import numpy as np
import pandas as pd


def gradient_slope(gradients: pd.DataFrame) -> pd.Series:
    """Least-squares slope of log10 bias_gradient_norm over the hidden layers at step 0, in decades per layer.

    Positive where early layers learn more slowly. In closed form, in float64, with x = layer and
    y = log10 norm: ``Σ (x − mean x) y ÷ Σ (x − mean x)²``.

    Args:
        gradients: rows of the gradients table with run_id, depth, step, layer and bias_gradient_norm; rows of
            other steps and of the output layer are passed over.

    Returns:
        float64 slopes by run_id, in the order in which the runs appear; NaN for depth 1 and where a hidden
        layer is missing or its norm is zero or not finite.
    """
    run_ids = pd.Index(gradients["run_id"].astype(object).unique(), name="run_id")
    hidden = gradients[(gradients["step"] == 0) & (gradients["layer"] <= gradients["depth"])]
    layer = hidden["layer"].to_numpy(np.float64)
    from_middle = layer - (hidden["depth"].to_numpy(np.float64) + 1) / 2
    terms = pd.DataFrame(
        {
            "run_id": hidden["run_id"].astype(object),
            "depth": hidden["depth"],
            "covariation": from_middle * _log10(hidden["bias_gradient_norm"]),
            "variation": from_middle**2,
        }
    )
    by_run = terms.groupby("run_id", sort=False)
    sums = by_run[["covariation", "variation"]].sum()
    depth = by_run["depth"].first()
    usable = (by_run["covariation"].count() == depth) & (depth > 1)
    slope = (sums["covariation"] / sums["variation"]).where(usable)
    return slope.reindex(run_ids).rename("gradient_slope")


def _log10(norms: pd.Series) -> np.ndarray:
    """Base-10 logarithm in float64; NaN where the norm is zero, negative or not finite."""
    norms = norms.to_numpy(np.float64, na_value=np.nan)
    return np.log10(norms, out=np.full_like(norms, np.nan), where=np.isfinite(norms) & (norms > 0))
