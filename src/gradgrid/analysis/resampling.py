"""Intervals of means over few seeds, and what goes with them."""

import numpy as np
from scipy import stats
from scipy.special import gammaln, ndtr, stdtrit

from gradgrid.analysis.intervals import CONFIDENCE

LEAST_FOR_BOOTSTRAP = 5
"""A mean of a resample lies among the values there are, and all of n values lie on one side of the true median
in 2 ÷ 2ⁿ of all samples: with fewer than 5 no bootstrap interval of the mean can have nearly 95 %."""
RESAMPLES = 9_999
_NUMBERS_AT_ONCE = 5_000_000


def expanded_level(n: int) -> float:
    """The level at which the percentile interval of the mean of n normal values is as wide as Student's.

    A resample's standard deviation is √((n − 1) ÷ n) of the sample's, and the normal quantile lies below Student's.
    So the tails are ``Φ(−√(n ÷ (n − 1)) t(0.975, n − 1))`` each (Hesterberg, 2015, The American Statistician 69,
    section 5.4: the expanded percentile interval).
    """
    return float(1 - 2 * ndtr(-np.sqrt(n / (n - 1)) * stdtrit(n - 1, (1 + CONFIDENCE) / 2)))


def interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
    """Ends of the 95 % interval of the mean over the last axis [..., n], and how it was made.

    ``bootstrap``: the expanded percentile interval, from 5 values on; ``t``: Student's; ``none``: NaN for one value.
    """
    n = values.shape[-1]
    if n < 2:
        nothing = np.full(values.shape[:-1], np.nan)
        return nothing, nothing, "none"
    if n < LEAST_FOR_BOOTSTRAP:
        half = stdtrit(n - 1, (1 + CONFIDENCE) / 2) * values.std(-1, ddof=1) / np.sqrt(n)
        return values.mean(-1) - half, values.mean(-1) + half, "t"
    # A generator of its own, so that equal values give equal intervals whatever was computed before.
    batch = max(_NUMBERS_AT_ONCE // values.size, 1)
    options = {"confidence_level": expanded_level(n), "n_resamples": RESAMPLES, "method": "percentile"}
    rng = np.random.default_rng(0)
    found = stats.bootstrap((values,), np.mean, axis=-1, batch=batch, rng=rng, **options)
    return *found.confidence_interval, "bootstrap"


def jackknife(estimate: float, without_one: np.ndarray) -> tuple[float, float]:
    """95 % interval of a share from its values without each seed: ± t(0.975, n − 1) · SE, drawn back to 0…1.

    ``SE² = (n − 1) ÷ n · Σ (θ₋ᵢ − mean θ₋)²`` (Efron and Tibshirani, 1993, equation 11.5). NaN for fewer than 3.
    """
    n = len(without_one)
    if n < 3:
        return np.nan, np.nan
    half = stdtrit(n - 1, (1 + CONFIDENCE) / 2) * np.sqrt((n - 1) * without_one.var())
    return max(estimate - half, 0.0), min(estimate + half, 1.0)


def paired_p(values: np.ndarray) -> np.ndarray:
    """Two-sided p-values of Student's paired t-test over the last axis; 1 where all differences are 0, NaN for one."""
    if values.shape[-1] < 2:
        return np.full(values.shape[:-1], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = values.mean(-1) / (values.std(-1, ddof=1) / np.sqrt(values.shape[-1]))
    return np.where((values == 0).all(-1), 1.0, 2 * stats.t.sf(np.abs(t), values.shape[-1] - 1))


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's (1979) correction: the i-th smallest of m times m − i + 1, never below a smaller one's; NaN stays."""
    order = np.argsort(p)
    steps = np.isfinite(p).sum() - np.arange(len(p))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * steps), 1.0)
    return corrected


def effect_size(values: np.ndarray) -> np.ndarray:
    """Mean ÷ standard deviation over the last axis × Hedges' J(n − 1) (1981, equation 6e); NaN where it has none.

    ``J(m) = Γ(m ÷ 2) ÷ (√(m ÷ 2) Γ((m − 1) ÷ 2))`` takes away the bias of few values; it needs three.
    """
    m = values.shape[-1] - 1
    if m < 2:
        return np.full(values.shape[:-1], np.nan)
    correction = np.exp(gammaln(m / 2) - gammaln((m - 1) / 2)) / np.sqrt(m / 2)
    std = values.std(-1, ddof=1)
    return correction * np.divide(values.mean(-1), std, out=np.full(std.shape, np.nan), where=std > 0)
