"""What becomes of the angle between two inputs: the correlation map (Poole et al., 2016; Schoenholz et al., 2017)."""

import math
from dataclasses import dataclass

from gradgrid.core.entries import Entry
from gradgrid.theory.gaussian import joint_expectation, slope, value
from gradgrid.theory.meanfield import MARGINAL, chi, depth_scale, limit

_MOST_STEPS = 200
_STEP = 1e-13


@dataclass(frozen=True)
class Correlation:
    """The correlation ``c`` at which two different inputs end whose correlation is from 0 to below 1.

    ``chi``: sigma_w2 E[f'(u) f'(v)] at c, the factor a layer by which the distance from c shrinks. At c = 1 it is
    the factor of the squared gradient norm. Both are NaN where the length of the signal ends at 0 or ∞.
    """

    c: float
    chi: float

    @property
    def depth_scale(self) -> float:
        """ξ_c: layers in which the distance from c shrinks e-fold (Schoenholz et al., 2017)."""
        return depth_scale(self.chi) if not math.isnan(self.chi) else math.nan


def correlation_map(activation: Entry, sigma_w2: float, sigma_b2: float, q: float, c: float) -> float:
    """C(c) = (sigma_w2 E[f(u) f(v)] + sigma_b2)/q, u and v ~ N(0, q) with correlation c, at a fixed point q."""
    f = value(activation)
    return (sigma_w2 * joint_expectation(f, f, q, c) + sigma_b2) / q


def correlation_slope(activation: Entry, sigma_w2: float, q: float, c: float) -> float:
    """C'(c) = sigma_w2 E[f'(u) f'(v)] (by Price's theorem).

    It is also the factor a layer of the inner product of two inputs' deltas (Schoenholz et al., 2017), by which the
    squared norm of a mean delta over many images changes.
    """
    df = slope(activation)
    return sigma_w2 * joint_expectation(df, df, q, c)


def correlation_limit(activation: Entry, sigma_w2: float, sigma_b2: float, q0: float = 1.0) -> Correlation:
    """Where the correlation of two inputs ends, both of the length at which the orbit from ``q0`` ends.

    E[f(u) f(v)] is a power series in c without negative coefficients (its Hermite expansion), so that C is convex on
    [0, 1] with C(0) ≥ 0 and C(1) = 1: c = 1 where chi ≤ 1, else the one fixed point below 1. Newton's method finds
    it from 0, climbing without overshooting. For a linear network, where every c is fixed, c = 1 is given.
    """
    q = limit(activation, sigma_w2, sigma_b2, q0).q
    if q in (0, math.inf):
        return Correlation(math.nan, math.nan)
    chi_1 = chi(activation, sigma_w2, q)
    if chi_1 <= 1 + MARGINAL:
        return Correlation(1.0, chi_1)
    c = 0.0
    for _ in range(_MOST_STEPS):
        factor = correlation_slope(activation, sigma_w2, q, c)
        step = (correlation_map(activation, sigma_w2, sigma_b2, q, c) - c) / (1 - factor)
        if step <= _STEP:
            break
        c += step
    return Correlation(c, factor)
