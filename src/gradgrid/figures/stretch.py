"""A scale for accuracies on which every tenfold drop of the error has the same room: 0 → 90 → 99 %.

The position of an accuracy a is −log10(1 − a), so that networks at 95 % and at 97 % stand clearly apart.
"""

import numpy as np

HIGHEST = 0.999
"""What lies above is drawn here: an accuracy of 1 would stand at infinity."""

_TICKS = np.array([0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995])


def stretched(accuracy: np.ndarray) -> np.ndarray:
    """Positions of accuracies; NaN stays NaN."""
    return -np.log10(1 - np.minimum(accuracy, HIGHEST))


def unstretched(position: np.ndarray) -> np.ndarray:
    """Accuracies at positions, the inverse of ``stretched``."""
    return 1 - 10.0 ** -np.asarray(position)


FUNCTIONS = (stretched, unstretched)
"""For ``Axes.set_yscale("function", functions=FUNCTIONS)`` and ``FuncNorm``."""


def ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Round accuracies between two, and their labels in percent."""
    within = _TICKS[(low <= _TICKS) & (high >= _TICKS)]
    return within.tolist(), [f"{100 * tick:g}" for tick in within]
