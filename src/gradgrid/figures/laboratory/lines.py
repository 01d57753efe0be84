"""Lines over the seeds, and colours of numbers for which 1 is the border: scales and spectral radii."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D

from gradgrid.figures.panels import Limits
from gradgrid.figures.style import BLACK, BLUE, VERMILLION

_PALEST = 0.6
_FARTHEST = 150
"""Decades; the ticks of an axis may lie twice as far, but float64 ends at 10^308."""


def around_one(levels: Iterable[float]) -> dict[float, tuple[float, float, float]]:
    """Colours of levels: blue below 1, black at 1, vermillion above; the farther from 1, the darker."""
    below, above = sorted(x for x in levels if x < 1), sorted((x for x in levels if x > 1), reverse=True)
    at = {1.0: to_rgb(BLACK)} if 1 in levels else {}
    return dict(sorted({**_shades(below, BLUE), **at, **_shades(above, VERMILLION)}.items()))


def _shades(levels: list[float], color: str) -> dict[float, tuple[float, float, float]]:
    """The first level in the full colour, the others paler and paler."""
    pale = np.linspace(0, _PALEST, len(levels))
    mixed = [(1 - share) * np.array(to_rgb(color)) + share for share in pale]
    return {level: tuple(rgb) for level, rgb in zip(levels, mixed, strict=True)}


def over_seeds(rows: pd.DataFrame, by: list[str], column: str) -> pd.DataFrame:
    """Median, min and max over the seeds that have a value, by ``by``."""
    return rows.groupby(by, observed=True)[column].agg(["median", "min", "max"])


def whole_decades(values: np.ndarray) -> Limits | None:
    """All decades that positive finite values lie in, between 10^-150 and 10^150; None if there are none."""
    usable = values[np.isfinite(values) & (values > 0)]
    if usable.size == 0:
        return None
    low, high = np.floor(np.log10(usable.min())), np.ceil(np.log10(usable.max()))
    low = np.clip(low, -_FARTHEST, _FARTHEST - 1)
    high = np.clip(high, low + 1, _FARTHEST)
    return 10.0**low, 10.0**high


def band(axes: Axes, curve: pd.DataFrame, limits: Limits, color: tuple, label: str) -> None:
    """A line at the median, and a band from min to max; what lies beyond the limits is drawn on the edge."""
    shown = curve.clip(*limits)
    axes.fill_between(shown.index, shown["min"], shown["max"], color=color, alpha=0.15, linewidth=0)
    marker = "" if len(shown) > 1 else "o"  # a line through one point would not be seen
    axes.plot(shown.index, shown["median"], color=color, marker=marker, label=label)


def handles(colors: dict[float, tuple], name: str) -> list[Line2D]:
    """Legend entries ``c = 0.5`` of the levels."""
    return [Line2D([], [], color=color, label=f"{name} = {level:g}") for level, color in colors.items()]
