"""Accuracies after every epoch: what the figures of the book's trainings have in common."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from gradgrid.analysis.intervals import mean_with_interval
from gradgrid.core.numbers import counted
from gradgrid.figures import stretch
from gradgrid.figures.source import Source
from gradgrid.figures.style import SOLID

NO_ACCURACY = "No run has a validation accuracy: all diverged in their first epoch."
RECIPE = "minibatches of 10, η = 0.1, λ = 5"
AXIS = "validation accuracy (%), upper end stretched"
UNIT = "percent of the validation images"

_EVEN_LABELS_FROM = 0.8


def after_epochs(source: Source, *by: str) -> pd.DataFrame:
    """Validation accuracy of every run after each of its epochs: ``by``, seed, epoch, accuracy (float64)."""
    rows = source.read([*by, "seed", "epoch", "accuracy"], split="validation")
    return rows[rows["epoch"] > 0].astype({"accuracy": np.float64})


def over_seeds(rows: pd.DataFrame, *by: str) -> pd.DataFrame:
    """Over the seeds that have not diverged: mean, std, low and high of its 95 % interval, min and max."""
    accuracies = rows.groupby([*by])["accuracy"]
    return mean_with_interval(accuracies).join(accuracies.agg(["min", "max"]))


def diverged(rows: pd.DataFrame, *by: str) -> str:
    """How many runs were lost, in a sentence with a space before it; empty for none."""
    runs = rows.groupby([*by, "seed"])["accuracy"]
    lost = int((runs.count() < runs.size()).sum())
    return f" {counted(lost, 'run')} diverged and no longer count from there on." if lost else ""


def mean_and_band(seeds: int) -> str:
    """What a line and its band are, in words."""
    return (
        f"the mean over {seeds:,} seeds, the band its 95 % interval" if seeds > 1 else "the only seed's run"
    )


def curve(
    axes: Axes,
    found: pd.DataFrame,
    band: tuple[str, str],
    label: str,
    color: str | tuple,
    linestyle: tuple = SOLID,
) -> None:
    """The mean by epoch, and a band between two columns of ``over_seeds``."""
    low, high = (found[end] for end in band)
    axes.fill_between(found.index, low, high, color=color, alpha=0.18, linewidth=0)
    marker = "" if len(found) > 1 else "o"  # a line through one epoch would not be seen
    axes.plot(found.index, found["mean"], color=color, linestyle=linestyle, marker=marker, label=label)


def epoch_axis(axes: Axes, first: int, last: int) -> None:
    """Whole epochs on the x axis, with room beside them."""
    room = float(np.clip(0.03 * (last - first), 0.1, 0.9))
    axes.set_xlim(first - room, last + room)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))


def stretched_axis(axes: Axes, accuracies: Sequence[float]) -> None:
    """A y axis around these accuracies, stretched at its upper end, with round labels in percent."""
    ends = stretch.stretched(np.array([np.nanmin(accuracies), np.nanmax(accuracies)]))
    room = 0.05 * max(np.ptp(ends), 0.02) * np.array([-1, 1])
    low, high = np.clip(stretch.unstretched(ends + room), 0, stretch.HIGHEST)
    axes.set_yscale("function", functions=stretch.FUNCTIONS)
    axes.set_ylim(low, high)
    axes.set_yticks(*_ticks(low, high))


def _ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Accuracies to label: evenly spaced ones, unless the axis reaches down to poor networks."""
    if low < _EVEN_LABELS_FROM:
        return stretch.ticks(low, high)
    ticks = MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]).tick_values(100 * low, 100 * high)
    within = ticks[(ticks >= 100 * low) & (ticks <= 100 * high)]
    places = max(len(f"{tick:g}".partition(".")[2]) for tick in within)
    return (within / 100).tolist(), [f"{tick:.{places}f}" for tick in within]


def percent(fraction: float) -> str:
    """A fraction with two decimal places, as the book states it: ``96.48 %``."""
    return f"{100 * fraction:.2f} %"
