"""Which choice matters: what became of the runs with each level of every factor."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted, listed
from gradgrid.core.tables import FACTOR_NAMES
from gradgrid.figures import stretch
from gradgrid.figures.levels import Level, spread_out
from gradgrid.figures.numbers import percent
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source
from gradgrid.figures.style import BLUE, HOLE, SMALL, TEXT

_ACCURACY = "validation_accuracy"
_QUANTILES = [0.05, 0.25, 0.5, 0.75, 0.95]
_MOST_ROWS = 40
"""Levels of a factor that are drawn; of more a part is."""
_ROW_HEIGHT, _BETWEEN, _BELOW = 0.21, 0.3, 0.6


@figure(table="runs", order=50, chapter="Accuracy")
def accuracy_by_factor(source: Source) -> Drawing:
    """Spread of the final validation accuracy over all runs with each level of every factor."""
    varied = [name for name in FACTOR_NAMES if len(source.levels[name]) > 1]
    scope = source.scope(*varied)
    title = "Which choice matters most"
    if not varied:
        return nothing(
            scope, title, "Every factor of this grid has one level: there is no choice to compare."
        )
    runs = source.read([*varied, "status", _ACCURACY])
    if runs[_ACCURACY].isna().all():
        return nothing(scope, title, "No run has a final accuracy: there is nothing to compare.")
    spreads = {name: spread_by_level(runs, name).reindex(source.levels[name]) for name in varied}
    drawn = {name: spread.loc[spread_out(spread.index, _MOST_ROWS)] for name, spread in spreads.items()}
    rows = [len(spread) for spread in drawn.values()]
    sheet = Sheet(scope, title, _ROW_HEIGHT * sum(rows) + _BETWEEN * len(rows) + _BELOW)
    axes = sheet.body.subplots(len(rows), 1, squeeze=False, sharex=True, gridspec_kw={"height_ratios": rows})
    for axis, (name, spread) in zip(axes[:, 0], drawn.items(), strict=True):
        _draw_levels(axis, spread)
        axis.set_title(_in_words(name), loc="left", fontsize=TEXT, fontweight="bold")
        stretch.stretch_x(axis, runs[_ACCURACY].max())
    sheet.body.supxlabel("final validation accuracy (%), upper end stretched", fontsize=TEXT)
    return sheet.drawing(
        caption="Each row holds all runs with one level of a factor, whatever the other factors: the dot is the "
        "median, the thick line the middle half, the thin line from the 5th to the 95th percentile. A run that "
        f"diverged ranks last, at “div.”; the share of such runs stands on the right. "
        f"{_thinned(spreads)}{_widest(spreads)}",
        alt="Dots and lines of final validation accuracy, one row for each level of "
        f"{counted(len(varied), 'factor')}: {listed([_in_words(name) for name in varied])}.",
        units={"validation accuracy": "percent of the validation images"},
    )


def spread_by_level(runs: pd.DataFrame, factor: str) -> pd.DataFrame:
    """Quantiles of the final accuracy and the share of runs that diverged, by level.

    Diverged runs count in the quantiles as worse than every other, at ``stretch.DIVERGED_AT``.
    """
    diverged = runs["status"] == "diverged"
    by_level = runs[_ACCURACY].mask(diverged, stretch.DIVERGED_AT).groupby(runs[factor])
    spread = by_level.quantile(_QUANTILES, interpolation="nearest").unstack()
    spread["diverged"] = diverged.groupby(runs[factor]).mean()
    return spread


def _draw_levels(axes: Axes, spread: pd.DataFrame) -> None:
    """A dot, a thick and a thin line for each level, and the share that diverged where any did; a hole crossed."""
    rows = np.arange(len(spread))
    lowest, lower, middle, upper, highest = (spread[quantile] for quantile in _QUANTILES)
    axes.hlines(rows, lowest, highest, color=BLUE, linewidth=1, alpha=0.6)
    axes.hlines(rows, lower, upper, color=BLUE, linewidth=4, alpha=0.45)
    axes.plot(middle, rows, "o", color=BLUE, markersize=5)
    axes.set_yticks(rows, [str(level) for level in spread.index])
    axes.set_ylim(len(spread) - 0.5, -0.5)
    for row in np.flatnonzero(spread["diverged"].isna()):
        place = {"transform": axes.get_yaxis_transform(), "zorder": 3}
        axes.add_patch(Rectangle((0, row - 0.5), 1, 1, **place, **HOLE))
    for row, share in zip(rows, spread["diverged"], strict=True):
        if share > 0:
            text = f"{percent(share)} div."
            axes.text(1.01, row, text, transform=axes.get_yaxis_transform(), va="center", fontsize=SMALL)


def _thinned(spreads: dict[str, pd.DataFrame]) -> str:
    """Of which factors not all levels are drawn, in a sentence and a space; empty if there are none."""
    large = {name: len(spread) for name, spread in spreads.items() if len(spread) > _MOST_ROWS}
    said = [f"{_in_words(name)} {_MOST_ROWS} of {counted(number, 'level')}" for name, number in large.items()]
    return f"Drawn are of {listed(said)}, evenly spaced in their order. " if said else ""


def _widest(spreads: dict[str, pd.DataFrame]) -> str:
    """The factor of which the levels' medians lie farthest apart on the stretched scale, in a sentence."""
    apart = {name: np.ptp(stretch.stretched(spread[0.5].dropna())) for name, spread in spreads.items()}
    most = max(apart, key=apart.get)
    medians = spreads[most][0.5]
    return (
        f"The medians differ most by {_in_words(most)}: {_median(medians, medians.idxmax())} against "
        f"{_median(medians, medians.idxmin())}."
    )


def _median(medians: pd.Series, level: Level) -> str:
    accuracy = medians[level]
    return (
        f"{percent(accuracy)} with {level}" if accuracy > stretch.DIVERGED_AT else f"divergence with {level}"
    )


def _in_words(factor: str) -> str:
    return factor.replace("_", " ")
