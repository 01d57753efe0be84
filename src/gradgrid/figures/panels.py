"""Small multiples: a grid of panels with shared axes, labelled once at its left and upper edge."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullLocator

from gradgrid.figures.levels import Level
from gradgrid.figures.style import HOLE, SMALL, TEXT, WIDTH, broken

Limits = tuple[float, float]

MOST_DECADES = 12
"""A log axis spans no more: what lies outside is drawn on its edge."""

_AROUND_PANELS, _LEAST_HEIGHT = 1.1, 3.4


def height(rows: Sequence, row_height: float = 1.3) -> float:
    """Inches for a grid of so many rows, its legend and the labels of its axes."""
    return max(row_height * len(rows) + _AROUND_PANELS, _LEAST_HEIGHT)


def grid(
    body: SubFigure, rows: Sequence[str], columns: Sequence[str], *, widths: Sequence[float] | None = None
) -> np.ndarray:
    """Axes [rows, columns], labelled on the left and on top; the columns' ``widths`` are relative.

    All share the y axis, those of a column the x axis: scale, limits and ticks are set once for all that share them,
    which takes as long as there are panels; to set them in each would take the square of that.
    """
    ratios = {"width_ratios": widths} if widths else {}
    axes = body.subplots(
        len(rows), len(columns), squeeze=False, sharex="col", sharey=True, gridspec_kw=ratios
    )
    for label, axis in zip(rows, axes[:, 0], strict=True):
        name_row(axis, label)
    for label, axis in zip(columns, axes[0], strict=True):
        axis.set_title(label, fontsize=TEXT, fontweight="bold")
    return axes


def name_row(axes: Axes, label: str) -> None:
    """Name a row beside its first panel, lying, so that names longer than the row is high fit."""
    style = {"rotation": 0, "ha": "right", "va": "center", "fontsize": TEXT, "fontweight": "bold"}
    axes.set_ylabel(broken(label), **style)


Indexed = TypeVar("Indexed", pd.Series, pd.DataFrame)


def at(values: Indexed, *levels: Level) -> Indexed | None:
    """The values at some levels of the outer indices; None where there are none."""
    return values.xs(levels) if levels in values.index else None


def cross(axes: Axes) -> None:
    """Mark a panel of which no run is there yet."""
    axes.add_patch(Rectangle((0, 0), 1, 1, transform=axes.transAxes, zorder=3, **HOLE))


def legend(body: SubFigure, handles: Sequence[Line2D], title: str | None = None) -> None:
    """A legend above the panels, in as few rows as the page's width allows."""
    longest = max(len(str(handle.get_label())) for handle in handles)
    fitting = max(1, int(WIDTH / (0.6 + 0.066 * longest)))  # inches: line, gaps and about so much a character
    rows = -(-len(handles) // fitting)
    body.legend(
        handles=handles,
        loc="outside upper center",
        ncols=-(-len(handles) // rows),
        title=title,
        title_fontsize=SMALL,
        handlelength=2.6,
        columnspacing=1.6,
    )


def axis_labels(body: SubFigure, x: str, y: str) -> None:
    """The labels that all panels share."""
    body.supxlabel(x, fontsize=TEXT)
    body.supylabel(y, fontsize=TEXT)


def decade_limits(values: np.ndarray) -> Limits | None:
    """Whole decades around the positive finite values; None if there are none.

    Where these span more than ``MOST_DECADES``, the most extreme 5 % may lie outside; never more decades.
    """
    usable = values[np.isfinite(values) & (values > 0)]
    if usable.size == 0:
        return None
    decades = np.log10(usable)
    if np.ptp(decades) > MOST_DECADES:
        decades = np.quantile(decades, [0.025, 0.975])
    low, high = np.floor(decades.min()), np.ceil(decades.max())
    return 10.0 ** max(low, high - MOST_DECADES), 10.0 ** max(high, low + 1)


def log_axis(axes: Axes, limits: Limits) -> None:
    """A log y axis with a handful of labelled decades."""
    axes.set_yscale("log")
    axes.set_ylim(limits)
    axes.yaxis.set_major_locator(LogLocator(base=10, numticks=6))
    axes.yaxis.set_minor_locator(NullLocator())


def layer_ticks(axes: Axes, depth: int) -> None:
    """Ticks 1 … depth and ``out`` on an x axis of layers, thinned out to about nine."""
    step = -(-depth // 9)
    # A label right beside the output layer's would run into it.
    hidden = [layer for layer in range(1, depth + 1, step) if depth + 1 - layer >= step]
    axes.set_xticks([*hidden, depth + 1], [*map(str, hidden), "out"])
    axes.set_xlim(0.7, depth + 1.3)


def step_axis(axes: Axes, steps: Sequence[int]) -> None:
    """An x axis of steps, linear from 0 to 1 and logarithmic from there, labelled at powers of 10."""
    last = max(*steps, 1)
    axes.set_xscale("symlog", linthresh=1, linscale=0.5)
    powers = [10**k for k in range(0, int(np.log10(last)) + 1)]
    axes.set_xticks([0, *powers], ["0", *map(_power_label, powers)])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(-0.2, last * 1.3)


def _power_label(power: int) -> str:
    return f"{power:,}" if power < 10_000 else f"{power // 1000:,}k"
