"""Remedies for deep networks that hardly learn: one after another, and each by itself."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted, listed
from gradgrid.core.remedies import CLEAR, COMBINED, FIRST, GUESSING, HARMS, HELPS, TITLES, effects, told
from gradgrid.figures import panels
from gradgrid.figures.numbers import percent, signed
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source, Stated
from gradgrid.figures.speed import layer_colors
from gradgrid.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE, TEXT, VERMILLION

Colors = Mapping[int, str | tuple]
"""The colour of every depth."""

_COLUMNS = ["ladder", "case", "position", "rung", "depth", "width", "learning_rate", "seed", "validation_accuracy",
            "gradient_slope", "status", "best"]  # fmt: skip
_HUES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE)
_ACCURACY, _SLOPE = "validation accuracy (%)", "gradient slope (decades per layer)"
_UNITS = {"validation accuracy": "percent of the validation images", "gradient slope": "decades per layer"}
_NOTHING = "No run has an accuracy: there is nothing to draw."
_ROW, _TITLE, _AROUND = 0.2, 0.38, 1.2
_SPREAD = 0.7
"""How far the depths of a rung lie apart at most, in distances from one rung to the next."""


@figure(table="laboratory/remedies", order=684, chapter="The laboratory")
def laboratory_remedies(source: Source) -> Drawing:
    """Accuracy and gradient slope as one remedy after another is added to deep networks that hardly learn."""
    rows = source.read(_COLUMNS, ladder=COMBINED)
    scope, title = _scope(source, rows), "One remedy after another"
    if rows["validation_accuracy"].isna().all():
        return nothing(scope, title, _NOTHING)
    colors, rungs = _colors(rows), _added(rows)
    sheet = Sheet(scope, title, height=5.0)
    above, below = sheet.body.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    for depth, beside in _places(colors).items():
        best = rows[rows["best"] & (rows["depth"] == depth)]
        for axes, measure, factor in ((above, "validation_accuracy", 100), (below, "gradient_slope", 1)):
            values = factor * _by_place(best, measure, beside)
            axes.plot(
                values.index, values, "o", color=colors[depth], markersize=4, alpha=0.6, label=f"{depth}"
            )
            axes.plot(values.mean(axis=1), color=colors[depth], label=f"mean {depth}")
        lost = _lost(best, beside)
        above.plot(lost, np.zeros(len(lost)), "x", color=colors[depth], label=f"diverged {depth}")
    above.axhline(100 * GUESSING, color=GREY, linewidth=0.8)
    above.set(ylim=(-4, 104), ylabel=_ACCURACY)
    below.axhline(0, color=GREY, linewidth=0.8)
    below.set_ylabel(_SLOPE.replace(" (", "\n("))
    below.set_xticks(range(len(rungs)), rungs, fontsize=TEXT)
    below.set_xlim(-0.5, len(rungs) - 0.5)
    panels.legend(sheet.body, _handles(colors, rows))
    return sheet.drawing(
        caption=f"Each rung keeps the remedies of those before it. {_in_words(rows)} {' '.join(_climb(rows))}",
        alt=f"Line charts of accuracy and gradient slope against the remedies added so far, for depth "
        f"{listed(map(str, colors))}: {listed(rows['rung'].unique())}.",
        units={"remedy": "name", **_UNITS},
    )


@figure(table="laboratory/remedies", order=686, chapter="The laboratory")
def laboratory_ladders(source: Source) -> Drawing:
    """Accuracy and gradient slope with each remedy by itself: activations, initializers, optimizers and others."""
    rows = source.read(_COLUMNS)
    rows = rows[rows["ladder"] != COMBINED]
    scope, title = _scope(source, rows), "Each remedy by itself"
    if rows["validation_accuracy"].isna().all():
        return nothing(scope, title, _NOTHING)
    colors, ladders = _colors(rows), dict(list(rows[rows["best"]].groupby(["ladder", "case"], sort=False)))
    heights = [_ROW * ladder["position"].max() + _TITLE for ladder in ladders.values()]
    sheet = Sheet(scope, title, sum(heights) + _AROUND)
    ratios = {"height_ratios": heights, "width_ratios": (3, 2)}
    grid = sheet.body.subplots(len(heights), 2, squeeze=False, sharex="col", gridspec_kw=ratios)
    for (left, right), (names, ladder) in zip(grid, ladders.items(), strict=True):
        _rungs(left, ladder, "validation_accuracy", colors)
        _rungs(right, ladder, "gradient_slope", colors)
        right.set_yticklabels([])
        left.set_title(_title(*names), loc="left", fontsize=TEXT, fontweight="bold")
    grid[-1, 0].set(xlim=(-4, 104), xlabel=_ACCURACY)
    grid[-1, 1].set_xlabel(_SLOPE)
    panels.legend(sheet.body, _handles(colors, rows))
    return sheet.drawing(
        caption=f"Each panel changes one thing and keeps the others. {_in_words(rows)} {' '.join(_counts(rows))}",
        alt=f"Dots for every remedy, accuracy on the left and gradient slope on the right, for depth "
        f"{listed(map(str, colors))}: {listed(_title(*names) for names in ladders)}.",
        units=_UNITS,
    )


def _scope(source: Source, rows: pd.DataFrame) -> Stated:
    widths = listed(f"width {width}" for width in rows["width"].unique())
    return source.stated(counted(source.seeds, "seed"), widths, "each rung at its best learning rate")


def _colors(rows: pd.DataFrame) -> Colors:
    """Hues, or shades where there are more depths than hues."""
    depths = sorted(rows["depth"].unique())
    colors = _HUES if len(depths) <= len(_HUES) else layer_colors(len(depths)).values()
    return dict(zip(depths, colors, strict=False))


def _places(colors: Colors) -> dict[int, float]:
    """Where the depths stand beside the place of their rung."""
    return dict(zip(colors, np.linspace(-_SPREAD / 2, _SPREAD / 2, len(colors) + 2)[1:-1], strict=True))


def _added(rows: pd.DataFrame) -> list[str]:
    """The rungs of the combined ladder, the first with what it begins with."""
    first, *others = rows["rung"].unique()
    return [f"{first}:\n{rows['case'].iloc[0]}", *(f"+ {rung}" for rung in others)]


def _title(ladder: str, case: str) -> str:
    return f"{TITLES[ladder]} (with {case})"


def _by_place(best: pd.DataFrame, measure: str, beside: float) -> pd.DataFrame:
    """A measure by place, one column a seed."""
    return best.assign(place=best["position"] - 1 + beside).pivot(
        index="place", columns="seed", values=measure
    )


def _lost(best: pd.DataFrame, beside: float) -> np.ndarray:
    """The places of the rungs with a run that diverged."""
    return best.loc[best["status"] == "diverged", "position"].unique() - 1 + beside


def _rungs(axes: Axes, best: pd.DataFrame, measure: str, colors: Colors) -> None:
    """One ladder, its first rung on top: dots for the seeds, a bar at their mean, crosses where runs diverged."""
    factor, line = (100, 100 * GUESSING) if measure == "validation_accuracy" else (1, 0)
    axes.axvline(line, color=GREY, linewidth=0.8)
    for depth, beside in _places(colors).items():
        of_depth, color = best[best["depth"] == depth], colors[depth]
        values = factor * _by_place(of_depth, measure, beside)
        axes.plot(values, values.index, "o", color=color, markersize=3.5, alpha=0.6, label=f"{depth}")
        axes.plot(values.mean(axis=1), values.index, "|", color=color, markersize=8, label=f"mean {depth}")
        if measure == "validation_accuracy":
            lost = _lost(of_depth, beside)
            axes.plot(np.zeros(len(lost)), lost, "x", color=color, markersize=5, label=f"diverged {depth}")
    rungs = best.drop_duplicates("position")["rung"]
    axes.set_yticks(range(len(rungs)), rungs)
    axes.set_ylim(len(rungs) - 0.5, -0.5)


def _handles(colors: Colors, rows: pd.DataFrame) -> list[Line2D]:
    """Legend entries of the depths, and of crosses where there are any."""
    handles = [
        Line2D([], [], color=color, marker="o", label=f"depth {depth}") for depth, color in colors.items()
    ]
    if (rows["best"] & (rows["status"] == "diverged")).any():
        handles.append(Line2D([], [], color=GREY, marker="x", linestyle="none", label="runs diverged"))
    return handles


def _in_words(rows: pd.DataFrame) -> str:
    """What dots and lines are."""
    rates = listed(f"{rate:g}" for rate in sorted(rows["learning_rate"].unique()))
    return (
        f"Dots are seeds, lines their means, at the learning rate (of {rates}) with the fewest diverged runs and then "
        "the highest mean accuracy; grey lines: guessing, and a gradient that neither vanishes nor explodes."
    )


def _climb(rows: pd.DataFrame) -> Iterator[str]:
    """From the first to the last rung at every depth, and which of them help, in sentences."""
    for depth, rungs in effects(rows).groupby("depth"):
        ends = rungs.iloc[[0, -1]]
        accuracy = " to ".join(percent(mean) if np.isfinite(mean) else "none" for mean in ends["accuracy"])
        slope = " to ".join(signed(mean) if np.isfinite(mean) else "none" for mean in ends["slope"])
        yield f"Depth {depth}: accuracy from {accuracy}, slope from {slope}; {told(rungs)}."


def _counts(rows: pd.DataFrame) -> Iterator[str]:
    """The learning rate of clipping, and how many remedies help and harm at every depth, in sentences."""
    large = rows.loc[rows["ladder"] == "clipping", "learning_rate"].unique()
    yield f"Clipping is shown at one large learning rate, {listed(f'{rate:g}' for rate in large)}."
    for depth, rungs in effects(rows).groupby("depth"):
        effect = rungs.loc[rungs["effect"] != FIRST, "effect"]
        helping, harming = ((effect == kind).sum() for kind in (HELPS, HARMS))
        yield f"Depth {depth}: of {len(effect)} remedies {helping} help and {harming} harm."
    yield (
        f"That is by at least {100 * CLEAR:g} points with every seed against the ladder's first rung; a diverged run "
        "counts as guessing."
    )
