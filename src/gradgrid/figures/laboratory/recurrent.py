"""Recurrent networks: the gradient through time before training, and what clipping by norm does to training."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted, listed
from gradgrid.figures import panels
from gradgrid.figures.laboratory import lines
from gradgrid.figures.levels import ordered
from gradgrid.figures.numbers import percent
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source
from gradgrid.figures.style import GREY, TEXT

_SEQUENCES = ("rows", "pixels")
_RADIUS = "spectral radius"
_GUESSING = 0.1
"""Accuracy of guessing one of ten digits."""


@figure(table="laboratory/recurrent", order=690, chapter="The laboratory")
def laboratory_recurrent(source: Source) -> Drawing:
    """Norm of the gradient through time of untrained recurrent networks, by spectral radius."""
    rows = source.read(["sequence", "spectral_radius", "seed", "time", "gradient_norm"])
    title = "How far a gradient gets back through time"
    scope = source.stated(counted(source.seeds, "seed"), "plain recurrent networks", "before training")
    if lines.whole_decades(rows["gradient_norm"].to_numpy()) is None:
        return nothing(scope, title, "No gradient is positive and finite: there is nothing to draw.")
    rows["back"] = rows.groupby("sequence")["time"].transform("max") - rows["time"]
    colors = lines.around_one(rows["spectral_radius"].unique().tolist())
    sheet = Sheet(scope, title, height=3.9)
    for axes, sequence in _places(sheet, rows):
        of_sequence = rows[rows["sequence"] == sequence]
        limits = lines.whole_decades(of_sequence["gradient_norm"].to_numpy()) or (0.1, 1.0)
        panels.log_axis(axes, limits)
        for radius, curve in of_sequence.groupby("spectral_radius"):
            over = lines.over_seeds(curve, ["back"], "gradient_norm")
            lines.band(axes, over, limits, colors[radius], f"{radius:g}")
        axes.set_title(
            f"{sequence}: {of_sequence['time'].max()} time steps", fontsize=TEXT, fontweight="bold"
        )
        axes.set_xlim(of_sequence["back"].max() + 0.5, -0.5)
    panels.axis_labels(sheet.body, "time steps back from the last one", r"$\|dC/dh_t\|$ (log scale)")
    panels.legend(sheet.body, lines.handles(colors, _RADIUS))
    return sheet.drawing(
        caption="The norm of the gradient with respect to the hidden state, mean over images; lines are medians over "
        "the seeds, bands go from the smallest to the largest. The gradient starts on the right, at the last time "
        f"step, and goes back to the left. {_in_words(rows)}",
        alt="Line charts on a log scale of the gradient's norm against the time steps back from the last one, one line "
        f"for the spectral radius {listed(f'{radius:g}' for radius in colors)}.",
        units={"time steps back": "time steps", "gradient norm": "1 (Euclidean norm)"},
    )


def _places(sheet: Sheet, rows: pd.DataFrame) -> list[tuple[Axes, str]]:
    """Axes side by side for the sequences that there are."""
    found = [name for name in _SEQUENCES if name in set(rows["sequence"])]
    return list(zip(sheet.body.subplots(1, len(found), squeeze=False)[0], found, strict=True))


def _in_words(rows: pd.DataFrame) -> str:
    """The factor a time step of the smallest and the largest radius, over the whole sequence, in a sentence."""
    said = []
    for sequence in (name for name in _SEQUENCES if name in set(rows["sequence"])):
        of_sequence = rows[rows["sequence"] == sequence]
        norms = of_sequence.groupby(["spectral_radius", "back"])["gradient_norm"].median().unstack()
        factor = (norms[norms.columns.max()] / norms[0]) ** (1 / max(norms.columns.max(), 1))
        ends = {radius: factor[radius] for radius in (factor.index.min(), factor.index.max())}
        said += [
            f"{value:.2f} ({sequence}, radius {radius:g})" for radius, value in ends.items() if value > 0
        ]
    return f"On average a time step multiplies it by {listed(said)}." if said else ""


@figure(table="laboratory/recurrent_training", order=692, chapter="The laboratory")
def laboratory_recurrent_training(source: Source) -> Drawing:
    """Validation accuracy and largest gradient of recurrent networks in training, with and without clipping by norm."""
    rows = source.read(
        ["sequence", "spectral_radius", "clipping", "seed", "step", "accuracy", "gradient_norm", "status"]
    )
    title, seeds = (
        "What clipping by norm does to the training of recurrent networks",
        counted(source.seeds, "seed"),
    )
    scope = source.stated(seeds, "plain recurrent networks", "plain gradient descent")
    limits = panels.decade_limits(rows["gradient_norm"].to_numpy())
    if limits is None:
        return nothing(scope, title, "No training has a finite gradient: there is nothing to draw.")
    colors = lines.around_one(rows["spectral_radius"].unique().tolist())
    sheet = Sheet(scope, title, height=5.2)
    pairs = _pairs(rows)
    grid = sheet.body.subplots(2, len(pairs), squeeze=False, sharex="col", sharey="row")
    for (above, below), (sequence, clipping) in zip(grid.T, pairs, strict=True):
        part = rows[(rows["sequence"] == sequence) & (rows["clipping"] == clipping)]
        _accuracies(above, part, colors)
        _norms(below, part, colors, limits)
        above.set_title(f"{sequence}, clipping {clipping}", fontsize=TEXT, fontweight="bold")
    grid[0, 0].set_ylabel("validation accuracy (%)")
    grid[1, 0].set_ylabel("largest gradient norm\n(log scale)")
    sheet.body.supxlabel("step", fontsize=TEXT)
    gone = Line2D([], [], color=GREY, marker="x", linestyle="none", label="a run has diverged")
    panels.legend(sheet.body, [*lines.handles(colors, _RADIUS), gone])
    return sheet.drawing(
        caption="Lines are medians over the seeds that have not diverged; a cross stands where further runs are found "
        "to have diverged; the grey line is guessing. Below, the largest norm of "
        "the whole gradient since the measurement before, taken before "
        f"clipping. {_last(rows, pairs)}",
        alt="Line charts against the step, above of validation accuracy, below of the largest gradient norm, for "
        f"{listed(f'{sequence} with clipping {clipping}' for sequence, clipping in pairs)}.",
        units={"step": "steps", "accuracy": "percent of the validation images", "gradient norm": "1"},
    )


def _pairs(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Sequence and clipping of every column."""
    there = set(zip(rows["sequence"], rows["clipping"], strict=True))
    clippings = ordered("clipping", rows["clipping"].unique())
    return [(s, c) for s in _SEQUENCES for c in clippings if (s, c) in there]


def _accuracies(axes: Axes, rows: pd.DataFrame, colors: dict) -> None:
    """Median accuracy by step, with a cross at the bottom where runs have diverged."""
    for radius, curve in rows.groupby("spectral_radius"):
        median = 100 * curve.groupby("step")["accuracy"].median()
        axes.plot(median.index, median, color=colors[radius], marker="o", markersize=2.5, label=f"{radius:g}")
    gone = rows[rows["status"] == "diverged"].groupby(["spectral_radius", "seed"])["step"].min()
    for place, (radius, steps) in enumerate(gone.groupby(level="spectral_radius")):
        height = np.full(len(steps), 2.5 + 4 * place)  # so that no cross hides another's
        axes.plot(steps, height, "x", color=colors[radius], label=f"diverged {radius:g}")
    axes.axhline(100 * _GUESSING, color=GREY, linewidth=0.8)
    axes.set_ylim(0, 100)


def _norms(axes: Axes, rows: pd.DataFrame, colors: dict, limits: panels.Limits) -> None:
    """Median over the seeds of the largest norm."""
    panels.log_axis(axes, limits)
    for radius, curve in rows.groupby("spectral_radius"):
        median = curve.groupby("step")["gradient_norm"].median().dropna().clip(*limits)
        axes.plot(median.index, median, color=colors[radius], marker="o", markersize=2.5, label=f"{radius:g}")


def _last(rows: pd.DataFrame, pairs: list[tuple[str, str]]) -> str:
    """Runs that diverged, and the best radius after the last step, for every column, in sentences."""
    said = []
    for sequence, clipping in pairs:
        part = rows[(rows["sequence"] == sequence) & (rows["clipping"] == clipping)]
        last = part[part["step"] == part["step"].max()]
        median = last.groupby("spectral_radius")["accuracy"].median().dropna()
        best = (
            f", the best median {percent(median.max())} with radius {median.idxmax():g}"
            if len(median)
            else ""
        )
        lost = (last["status"] == "diverged").sum()
        said.append(
            f"{sequence}, clipping {clipping}: {lost:,} of {counted(len(last), 'run')} diverged{best}"
        )
    return f"After the last step: {'; '.join(said)}."
