"""What can be told apart: ranks of initializers, differences between levels, shares of variance."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted, listed
from gradgrid.core.statistics_tables import behind_best
from gradgrid.figures.numbers import percent, signed
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source, Stated
from gradgrid.figures.style import BLUE, GREY, ORANGE, SMALL, TEXT

INSIDE = "#b9b9b9"
"""Grey of a difference that is inside the noise."""
_ROW = 0.21


def _stated(source: Source, frame: pd.DataFrame, *facts: str) -> Stated:
    """Scope of a figure of one of the statistics tables: its facts, and at which learning rate runs are compared."""
    rates = frame["learning_rate"].unique()
    return source.stated(*facts, *(f"learning rate: {rate}, in every cell" for rate in rates))


@figure(table="ranks", order=52, chapter="Statistics")
def initializer_ranks(source: Source) -> Drawing:
    """Mean ranks of the initializers over all conditions, and which are not told apart."""
    frame = source.read(["initializer", "learning_rate", "mean_rank", "runs_diverged", "conditions",
                         "critical_difference", "friedman_p"])  # fmt: skip
    title = "Which initializers can be told apart by rank"
    if frame.empty:
        return nothing(
            source.stated(), title, "There are no two initializers that share all runs of a condition."
        )
    first = frame.iloc[0]
    groups = not_told_apart(frame["mean_rank"].to_numpy(), first["critical_difference"])
    conditions = counted(int(first["conditions"]), "condition")
    scope = _stated(source, frame, conditions)
    sheet = Sheet(scope, title, _ROW * (len(frame) + 2) + 0.75)
    _draw_ranks(sheet.body.subplots(), frame, groups)
    return sheet.drawing(
        caption=f"Rank of each initializer by test accuracy, averaged over {conditions} (combinations of the other "
        "factors); 1 is best, diverged runs are last. A grey line on the right runs along initializers whose mean "
        f"ranks differ by less than the critical difference of {first['critical_difference']:.2f} (Nemenyi, 0.05): "
        "inside the noise. The conditions resemble each other, so that this is a yardstick and no exact test. "
        f"{_leaders(frame, groups)}",
        alt=f"Dots of the mean rank of {counted(len(frame), 'initializer')}, from {frame['initializer'].iloc[0]} "
        f"({frame['mean_rank'].iloc[0]:.1f}) to {frame['initializer'].iloc[-1]} ({frame['mean_rank'].iloc[-1]:.1f}); "
        "lines join those not told apart.",
        units={"mean rank": "rank, 1 is best"},
    )


def not_told_apart(mean_ranks: np.ndarray, difference: float) -> list[tuple[int, int]]:
    """First and last place of every largest group of neighbours (ranks ascending) nearer than the difference."""
    ends = np.searchsorted(mean_ranks, mean_ranks + difference, side="left") - 1
    return [
        (first, int(last))
        for first, last in enumerate(ends)
        if last > first and (first == 0 or ends[first - 1] < last)
    ]


def _draw_ranks(axes: Axes, frame: pd.DataFrame, groups: list[tuple[int, int]]) -> None:
    """A dot for each initializer, the best on top; on the right a line along every group that is not told apart."""
    ranks, rows, levels = frame["mean_rank"].to_numpy(), np.arange(len(frame)), len(frame)
    axes.hlines(rows, 1, 2 * levels, color="#eeeeee", linewidth=0.8)
    axes.plot(ranks, rows, "o", color=BLUE, markersize=5)
    for rank, row, lost in zip(ranks, rows, frame["runs_diverged"], strict=True):
        words = f"{rank:.2f}" + (f", {counted(int(lost), 'run')} diverged" if lost else "")
        axes.text(rank + 0.012 * levels, row, words, va="center", fontsize=SMALL)
    for place, group in enumerate(groups):
        axes.plot(
            [levels * (1.22 + 0.02 * place)] * 2, group, color=GREY, linewidth=4, solid_capstyle="round"
        )
    if groups:
        axes.text(levels * 1.22, -1.6, "not told apart", ha="center", va="center", fontsize=SMALL)
    difference = frame["critical_difference"].iloc[0]
    axes.plot([1, 1 + difference], [-1, -1], color="black", linewidth=2, marker="|", markersize=7)
    axes.text(1, -1.6, " critical difference", va="center", fontsize=SMALL)
    axes.set_yticks(rows, frame["initializer"])
    axes.set_ylim(levels - 0.4, -2.2)
    axes.set_xlim(1, max(levels * (1.24 + 0.02 * len(groups)), 1 + 1.3 * difference))
    axes.set_xticks(range(1, levels + 1))
    axes.set_xlabel("mean rank, 1 is best", fontsize=TEXT)
    axes.grid(axis="y", visible=False)


def _leaders(frame: pd.DataFrame, groups: list[tuple[int, int]]) -> str:
    """Which initializer ranks first, and which are not told apart from it, in a sentence."""
    names, ranks = frame["initializer"], frame["mean_rank"]
    near = [names[place] for first, last in groups if first == 0 for place in range(1, last + 1)]
    apart = (
        f"not told apart from {listed(near)}" if near else f"told apart from all others, {names[1]} the next"
    )
    return f"{names[0]} ranks first ({ranks[0]:.2f}), {apart}."


@figure(table="comparisons", order=54, chapter="Statistics")
def level_differences(source: Source) -> Drawing:
    """How far every level of a factor is behind the factor's best, and whether that is more than noise."""
    frame = source.read(["factor", "level", "reference", "learning_rate", "seeds", "difference", "low", "high",
                         "noise", "p_holm", "interval", "accuracy", "reference_accuracy"])  # fmt: skip
    title = "How far each level is behind the best of its factor"
    if frame.empty:
        return nothing(
            source.stated(), title, "No factor has two levels that share a condition: nothing to compare."
        )
    behind = {factor: behind_best(rows) for factor, rows in frame.groupby("factor", sort=False)}
    sizes = [len(rows) for rows in behind.values()]
    scope = _stated(
        source, frame, source.over_seeds if source.part else counted(int(frame["seeds"].max()), "seed")
    )
    sheet = Sheet(scope, title, _ROW * sum(sizes) + 0.3 * len(sizes) + 0.6)
    grid = sheet.body.subplots(
        len(sizes), 1, squeeze=False, sharex=True, gridspec_kw={"height_ratios": sizes}
    )
    for axes, (factor, rows) in zip(grid[:, 0], behind.items(), strict=True):
        _draw_differences(axes, factor, rows)
    sheet.body.supxlabel("test accuracy against the best level (percentage points)", fontsize=TEXT)
    return sheet.drawing(
        caption="Mean difference of test accuracy between each level and the best of its factor, over runs paired by "
        f"seed and all other factors, {_intervals(frame)}. A diverged run counts as guessing. Grey with a hollow "
        "dot: inside the noise, that is, p ≥ 0.05 in the paired t-test after Holm's correction for all pairs of the "
        "factor; the interval itself is not corrected. "
        f"{_noise(behind)}",
        alt="Dots with intervals: how far each level is behind the best of its factor, for "
        f"{listed([_in_words(factor) for factor in behind])}.",
        units={"difference": "percentage points of test accuracy"},
    )


def _draw_differences(axes: Axes, factor: str, rows: pd.DataFrame) -> None:
    places = np.arange(len(rows))
    inside = (rows["noise"] == "inside").to_numpy()
    for chosen, color, face in ((inside, INSIDE, "white"), (~inside, BLUE, BLUE)):
        found, at = rows[chosen], places[chosen]
        axes.hlines(at, 100 * found["low"], 100 * found["high"], color=color, linewidth=2)
        axes.plot(100 * found["difference"], at, "o", color=color, markerfacecolor=face, markersize=5)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(places, rows["level"])
    for label, noise in zip(axes.get_yticklabels(), inside, strict=True):
        label.set_color("#6b6b6b" if noise else "black")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    best, accuracy = rows[["reference", "reference_accuracy"]].iloc[0]
    heading = f"{_in_words(factor)}: against {best} ({percent(accuracy)})"
    axes.set_title(heading, loc="left", fontsize=TEXT, fontweight="bold")


def _intervals(frame: pd.DataFrame) -> str:
    how = frame["interval"].iloc[0]
    if how == "none":
        return "without intervals, because there is one seed: no difference can be told from noise"
    return f"with 95 % intervals over the seeds ({'bootstrap' if how == 'bootstrap' else 'Student’s t'})"


def _noise(behind: dict[str, pd.DataFrame]) -> str:
    """Which levels are not told apart from the best, and the largest difference, in sentences."""
    rows = pd.concat(behind.values())
    near = [
        f"{listed(inside['level'])} from {inside['reference'].iloc[0]}"
        for found in behind.values()
        for inside in [found[found["noise"] == "inside"]]
        if len(inside)
    ]
    said = (
        f"Not told apart: {'; '.join(near)}."
        if near
        else "No level is inside the noise of its factor's best."
    )
    most = rows.loc[rows["difference"].idxmin()]
    return (
        f"{said} The largest difference is {signed(100 * most['difference'], 1)} points, {most['level']} against "
        f"{most['reference']}."
    )


@figure(table="effects", order=56, chapter="Statistics")
def variance_shares(source: Source) -> Drawing:
    """Shares of the variance of test accuracy that factors and pairs of factors explain."""
    frame = source.read(["effect", "kind", "learning_rate", "share", "low", "high", "runs", "left_out"])
    title = "Which choices move the accuracy"
    if frame["share"].isna().all():
        reason = "No factor has two levels, or all runs do the same: there is no variance to explain."
        return nothing(source.stated(), title, reason)
    runs, left_out = frame["runs"].iloc[0], frame["left_out"].iloc[0]
    scope = _stated(
        source, frame, counted(int(runs), "run"), *([] if left_out == "none" else [f"without {left_out}"])
    )
    sheet = Sheet(scope, title, _ROW * len(frame) + 0.75)
    _draw_shares(sheet.body.subplots(), frame)
    return sheet.drawing(
        caption=f"Share of the variance of test accuracy over {counted(int(runs), 'run')} (η²): main effects, "
        "two-way interactions, what is left of higher orders, and what varies from seed to seed within cells; they "
        f"add up to 100 %.{_jackknife(frame)} A diverged run counts as guessing. {' '.join(_most(frame))}",
        alt=f"Bars of the share of variance of {counted(len(frame), 'effect')}; the largest is "
        f"{frame.loc[frame['share'].idxmax(), 'effect']} with {percent(frame['share'].max())}.",
        units={"share of variance": "percent"},
    )


_KINDS = {"main": BLUE, "interaction": ORANGE, "higher orders": GREY, "seeds": GREY}


def _draw_shares(axes: Axes, frame: pd.DataFrame) -> None:
    rows, shares = np.arange(len(frame)), 100 * frame["share"].to_numpy()
    axes.barh(rows, shares, color=frame["kind"].map(_KINDS), height=0.66)
    axes.hlines(rows, 100 * frame["low"], 100 * frame["high"], color="black", linewidth=1)
    for row, share, high in zip(rows, shares, 100 * frame["high"], strict=True):
        axes.text(np.nanmax([share, high]) + 0.4, row, f"{share:.1f} %", va="center", fontsize=SMALL)
    axes.set_yticks(rows, [_in_words(effect) for effect in frame["effect"]])
    axes.set_ylim(len(frame) - 0.4, -0.6)
    axes.set_xlim(0, 1.12 * np.nanmax([*shares, *(100 * frame["high"])]))
    axes.set_xlabel("share of variance (%)", fontsize=TEXT)
    axes.grid(axis="y", visible=False)


def _jackknife(frame: pd.DataFrame) -> str:
    return "" if frame["low"].isna().all() else " Lines: 95 % jackknife intervals over the seeds."


def _most(frame: pd.DataFrame) -> Iterator[str]:
    """The largest main effect and the largest interaction, in sentences."""
    for kind, words in (("main", "most by itself"), ("interaction", "is the largest interaction,")):
        found: Sequence = frame[frame["kind"] == kind].nlargest(1, "share").to_dict("records")
        for row in found:
            verb = f"explains {words}:" if kind == "main" else words
            yield f"{_in_words(row['effect']).capitalize()} {verb} {percent(row['share'])}."


def _in_words(name: str) -> str:
    return name.replace("_", " ")
