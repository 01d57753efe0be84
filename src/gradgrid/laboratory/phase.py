"""The phase diagram of tanh: where signals end, whether gradients vanish or explode, and how deep inputs stay apart.

``theory`` integrates point by point, which takes minutes for a diagram: ``correlation.py`` over two normal variables.
For many points together expectations are sums over equidistant z, which for tanh converge exponentially (Trefethen and
Weideman, 2014), and the correlation map is better taken as its Hermite series (by Mehler's formula),

    C(c) = (sigma_w2 Σ a_k² c^k + sigma_b2)/q*,   a_k = E[f(√q* z) h_k(z)],   z standard normal,

with Hermite polynomials h_k normalized to E[h_k²] = 1. For tanh it converges the faster the smaller q* is.
"""

import itertools

import numpy as np
import pandas as pd
from scipy.special import roots_hermitenorm

from gradgrid.core.entries import Entry
from gradgrid.theory.correlation import correlation_limit
from gradgrid.theory.critical import critical_sigma_w2
from gradgrid.theory.meanfield import MARGINAL, depth_scale, limit

TANH = Entry("tanh")
SIGMA_W2, SIGMA_B2 = np.linspace(0.1, 5.0, 50), np.linspace(0.0, 0.5**0.5, 41) ** 2
"""The diagram's points, to which those of the settings are added; close together where the critical line turns."""
_NODES, _TERMS, _LARGEST_Q = 400, 250, 4.0
"""Of the quadrature and of the series, and the q* up to which so many of them give ξ_c to five digits."""
_MOST_STEPS, _STEP = 200, 1e-13
_Z = np.arange(-9, 9 + 1 / 32, 1 / 16)
"""Where expectations are summed; their error is about exp(-32 π d), d = π/(2√q) the distance of the poles of tanh."""
_DENSITY = np.exp(-(_Z**2) / 2) / (16 * np.sqrt(2 * np.pi))
_LARGEST_SUM = 16.0
"""The variance of the weights and biases together up to which that is below 1e-15; q* is smaller."""


def phase(settings: dict) -> pd.DataFrame:
    """Table ``laboratory/phase``: the phase diagram of tanh at a grid of points, those of ``settings`` among them."""
    levels = [_levels(SIGMA_B2, settings["sigma_b2"]), _levels(SIGMA_W2, settings["sigma_w2"])]
    rows = predicted(pd.DataFrame(itertools.product(*levels), columns=["sigma_b2", "sigma_w2"]))
    critical = {sigma_b2: critical_sigma_w2(TANH, sigma_b2) for sigma_b2 in levels[0]}
    return rows.assign(critical_sigma_w2=[critical[sigma_b2] for sigma_b2 in rows["sigma_b2"]])


def predicted(points: pd.DataFrame) -> pd.DataFrame:
    """Points with sigma_w2 and sigma_b2, and what theory says of them: q_star, chi_1 and xi_c."""
    rows = points.assign(q_star=0.0, chi_1=points["sigma_w2"].astype(float))
    most = rows["sigma_w2"] + rows["sigma_b2"]
    lives = (rows["sigma_w2"] > 1) | (rows["sigma_b2"] > 0)
    near, far = lives & (most <= _LARGEST_SUM), most > _LARGEST_SUM
    rows.loc[near, ["q_star", "chi_1"]] = _ends(*rows.loc[near, ["sigma_w2", "sigma_b2"]].to_numpy().T)
    ends = [limit(TANH, *point) for point in rows.loc[far, ["sigma_w2", "sigma_b2"]].to_numpy()]
    rows.loc[far, ["q_star", "chi_1"]] = np.array([[end.q, end.chi] for end in ends]).reshape(-1, 2)
    return rows.assign(xi_c=correlation_scales(rows))


def _ends(sigma_w2: np.ndarray, sigma_b2: np.ndarray) -> np.ndarray:
    """q* and chi_1 [points, 2], by Newton's method from above, which falls without overshooting (V is concave)."""
    q = sigma_w2 + sigma_b2
    for _ in range(_MOST_STEPS):
        u = np.sqrt(q)[:, None] * _Z
        f = np.tanh(u)
        df = 1 - f**2
        slope = sigma_w2 * ((u * f * df) @ _DENSITY) / q
        step = (sigma_w2 * (f**2 @ _DENSITY) + sigma_b2 - q) / (1 - slope)
        if (step >= -_STEP * q).all():
            break
        q = q + np.minimum(step, 0)
    return np.stack([q, sigma_w2 * (df**2 @ _DENSITY)], 1)


def correlation_scales(rows: pd.DataFrame) -> pd.Series:
    """ξ_c of rows with sigma_w2, sigma_b2, q_star and chi_1, in layers (Schoenholz et al., 2017).

    From chi_1 in the ordered phase, where correlations end at 1; in the chaotic phase from the slope of C at its fixed
    point below 1. NaN where the signal dies out.
    """
    factor = rows["chi_1"].copy()
    chaotic, near = factor > 1 + MARGINAL, rows["q_star"] <= _LARGEST_Q
    factor[chaotic & near] = _slopes(rows[chaotic & near])
    points = rows.loc[chaotic & ~near, ["sigma_w2", "sigma_b2"]]
    factor[chaotic & ~near] = [correlation_limit(TANH, *point).chi for point in points.to_numpy()]
    return factor.map(depth_scale).where(rows["q_star"] > 0)


def _slopes(rows: pd.DataFrame) -> np.ndarray:
    """C'(c) at the fixed point below 1, by Newton's method from 0, which climbs without overshooting (C is convex)."""
    series = rows["sigma_w2"].to_numpy()[:, None] * _squares(rows["q_star"].to_numpy())
    series[:, 0] += rows["sigma_b2"]
    series /= rows["q_star"].to_numpy()[:, None]
    slopes, c = series[:, 1:] * np.arange(1, _TERMS), np.zeros(len(rows))
    for _ in range(_MOST_STEPS):
        powers = c[:, None] ** np.arange(_TERMS)
        slope = (slopes * powers[:, :-1]).sum(1)
        step = ((series * powers).sum(1) - c) / (1 - slope)
        if (step <= _STEP).all():
            break
        c += np.maximum(step, 0)
    return slope


def _squares(q: np.ndarray) -> np.ndarray:
    """a_k² [points, terms] of tanh(√q z)."""
    z, weights = roots_hermitenorm(_NODES)
    hermite = [np.ones_like(z), z]
    for k in range(1, _TERMS - 1):
        hermite.append((z * hermite[-1] - np.sqrt(k) * hermite[-2]) / np.sqrt(k + 1))
    terms = np.stack(hermite) * (weights / weights.sum())
    return np.square(np.tanh(np.sqrt(q)[:, None] * z) @ terms.T)


def _levels(grid: np.ndarray, added: list[float]) -> list[float]:
    return sorted({*np.round(grid, 9).tolist(), *added})
