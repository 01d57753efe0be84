"""The critical line, on which gradients neither vanish nor explode: chi = 1."""

import math
from functools import cache

import numpy as np

from gradgrid.core.entries import Entry
from gradgrid.theory.meanfield import GRID, MARGINAL, chi, crossings, direction, length_map, limit


def critical_sigma_w2(activation: Entry, sigma_b2: float, q0: float = 1.0) -> float | None:
    """The smallest sigma_w2 for which chi = 1 where the orbit from ``q0`` ends (Schoenholz et al., 2017).

    At a fixed point q, chi = 1 says sigma_w2 = 1/E[f'(u)²], and then V(q) = q says
    sigma_b2 = q - E[f(u)²]/E[f'(u)²]: one equation for q. To its solutions come q = 0 and q = ∞; each is kept only
    if orbits end there. None where chi leaps over 1: at sigma_b2 = 0 GELU's q leaps from 0 to ∞.
    """
    lengths = [0.0, math.inf, *_critical_lengths(activation, sigma_b2)]
    slopes = [chi(activation, 1.0, q) for q in lengths]
    for sigma_w2 in sorted(1 / slope for slope in slopes if slope):
        if abs(limit(activation, sigma_w2, sigma_b2, q0).chi - 1) < MARGINAL:
            return sigma_w2
    return None


def _critical_lengths(activation: Entry, sigma_b2: float) -> list[float]:
    """The q > 0 with q = E[f(u)²]/E[f'(u)²] + sigma_b2."""
    signs = direction(_ratios(activation) + sigma_b2, GRID)
    return crossings(lambda q: _ratio(activation, q) + sigma_b2 - q, GRID[signs != 0], signs[signs != 0])


@cache
def _ratios(activation: Entry) -> np.ndarray:
    """E[f(u)²]/E[f'(u)²] on the grid of q."""
    return np.array([_ratio(activation, q) for q in GRID])


def _ratio(activation: Entry, q: float) -> float:
    return length_map(activation, 1.0, 0.0, q) / chi(activation, 1.0, q)
