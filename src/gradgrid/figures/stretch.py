"""A scale for accuracies on which every tenfold drop of the error has the same room: 0 → 90 → 99 %.

The position of an accuracy a is −log10(1 − a), so that networks at 95 % and at 97 % stand clearly apart.
"""

import numpy as np
from matplotlib.axes import Axes

HIGHEST = 0.999
"""What lies above is drawn here: an accuracy of 1 would stand at infinity."""

DIVERGED_AT = -0.9
"""Where the accuracy of a run that diverged is drawn: below every true one, so that it ranks last."""

_BELOW_DIVERGED = -1.4
_TICKS = np.array([0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995])


def stretched(accuracy: np.ndarray) -> np.ndarray:
    """Positions of accuracies; NaN stays NaN."""
    return -np.log10(1 - np.minimum(accuracy, HIGHEST))


def unstretched(position: np.ndarray) -> np.ndarray:
    """Accuracies at positions, the inverse of ``stretched``."""
    return 1 - 10.0 ** -np.asarray(position)


FUNCTIONS = (stretched, unstretched)
"""For ``Axes.set_yscale("function", functions=FUNCTIONS)`` and ``FuncNorm``."""


def stretch_x(axes: Axes, highest: float) -> None:
    """Make the x axis one of accuracies, from runs that diverged to just above the highest accuracy."""
    limits, at, labels = _from_divergence(highest)
    axes.set_xscale("function", functions=FUNCTIONS)
    axes.set_xlim(limits)
    axes.set_xticks(at, labels)


def stretch_y(axes: Axes, highest: float) -> None:
    """The same for the y axis."""
    limits, at, labels = _from_divergence(highest)
    axes.set_yscale("function", functions=FUNCTIONS)
    axes.set_ylim(limits)
    axes.set_yticks(at, labels)


def above(highest: float) -> float:
    """The upper end of an axis on which this is the highest accuracy; NaN counts as one half."""
    return min(np.nan_to_num(highest, nan=0.5) + 0.005, HIGHEST)


def _from_divergence(highest: float) -> tuple[tuple[float, float], list[float], list[str]]:
    """Limits, ticks and tick labels of an axis that has a place for diverged runs."""
    at, labels = ticks(_TICKS[0], above(highest))
    return (_BELOW_DIVERGED, above(highest)), [DIVERGED_AT, *at], ["div.", *labels]


def ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Round accuracies between two, and their labels in percent."""
    within = _TICKS[(low <= _TICKS) & (high >= _TICKS)]
    return within.tolist(), [f"{100 * tick:g}" for tick in within]
