"""The verdict of every cell: a map of the whole grid."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.patches import Patch, Rectangle

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted
from gradgrid.core.verdicts import VERDICTS
from gradgrid.figures.levels import in_words
from gradgrid.figures.numbers import percent
from gradgrid.figures.sheet import Drawing, Sheet
from gradgrid.figures.source import Source
from gradgrid.figures.style import HOLE, SMALL, TEXT, WIDTH, legible_on
from gradgrid.figures.style import VERDICTS as COLORS

LETTERS = {
    "healthy": "", "vanishing": "V", "exploding": "E", "saturated": "S", "dead units": "D", "diverged": "×",
    "never learned": "N",
}  # fmt: skip
HATCHES = {
    "healthy": "", "vanishing": "\\\\\\", "exploding": "///", "saturated": "...", "dead units": "---",
    "diverged": "xxx", "never learned": "|||",
}  # fmt: skip
_FACTORS = ["depth", "clipping", "activation", "initializer"]
_ROW_HEIGHT, _LEFT_AND_RIGHT, _SMALLEST_TEXT = 0.175, 1.6, 5.5


@figure(table="cells", order=36, chapter="Verdicts")
def verdict_map(source: Source) -> Drawing:
    """The verdict of every cell: initializers by activations, a panel for each depth and clipping."""
    scope = source.scope(*_FACTORS)
    cells = scope.read([*_FACTORS, "seeds", "verdict", "runs_of_verdict"])
    levels = source.levels
    rows = len(levels["clipping"]) * (len(levels["initializer"]) + 1)
    names = max(len(label) for label in levels["activation"])
    sheet = Sheet(scope, "What became of every cell", _ROW_HEIGHT * rows + 0.07 * names + 0.75)
    found = cells[cells["seeds"] > 0]
    size = _text_size(source)
    _draw_panels(sheet.body, cells, source, size)
    _legend(sheet.body, found, hatched=not size)
    return sheet.drawing(
        caption=f"Each square is a cell with the commonest verdict of its runs over {source.over_seeds}; a tie goes to "
        "the worse. A white dot: its seeds do not agree. The rules stand under methods, the numbers behind each "
        f"verdict in the table of cells. {_counts(found)}",
        alt="Squares of initializers by activations, coloured and lettered by verdict, for "
        f"{counted(len(levels['depth']), 'depth')} and {counted(len(levels['clipping']), 'kind')} of clipping. "
        f"{_counts(found)}",
        units={"verdict": "one word a cell"},
    )


def _text_size(source: Source) -> float:
    """Points of the letters in the squares; 0 where they would be too small to read, and hatches take their place."""
    columns = len(source.levels["depth"]) * len(source.levels["activation"])
    size = min(SMALL, 0.9 * 72 * (WIDTH - _LEFT_AND_RIGHT) / columns)
    return size if size >= _SMALLEST_TEXT else 0


def _draw_panels(body: SubFigure, cells: pd.DataFrame, source: Source, size: float) -> None:
    """Depths side by side, clippings one below the other."""
    depths, clippings = source.levels["depth"], source.levels["clipping"]
    activations, initializers = source.levels["activation"], source.levels["initializer"]
    grid = body.subplots(len(clippings), len(depths), squeeze=False, sharex=True, sharey=True)
    for (row, column), axes in np.ndenumerate(grid):
        of_panel = cells[(cells["depth"] == depths[column]) & (cells["clipping"] == clippings[row])]
        _draw_cells(axes, of_panel, activations, initializers, size)
        if row == 0:
            axes.set_title(in_words("depth", depths[column]), fontsize=TEXT, fontweight="bold")
    first = grid[0, 0]  # all share its axes
    first.set(xlim=(0, len(activations)), ylim=(len(initializers), 0))
    first.set_xticks(np.arange(len(activations)) + 0.5, activations)
    first.set_yticks(np.arange(len(initializers)) + 0.5, initializers)
    for axes, clipping in zip(grid[:, 0], clippings, strict=True):
        words = {"fontsize": TEXT, "fontweight": "bold", "transform": axes.transAxes}
        axes.text(-0.01, 1, in_words("clipping", clipping), ha="right", va="bottom", **words)


def _draw_cells(
    axes: Axes, cells: pd.DataFrame, activations: list[str], initializers: list[str], size: float
) -> None:
    """One panel's squares with their letters or hatches."""
    for cell in cells.itertuples():
        place = activations.index(cell.activation), initializers.index(cell.initializer)
        axes.add_patch(Rectangle(place, 1, 1, **_face(cell, not size)))
        if cell.seeds and size:
            middle, color = (place[0] + 0.5, place[1] + 0.52), legible_on(COLORS[cell.verdict])
            letter = {"fontsize": size, "color": color, "fontweight": "bold"}
            axes.text(*middle, LETTERS[cell.verdict], ha="center", va="center_baseline", **letter)
    split = cells[(cells["runs_of_verdict"] < cells["seeds"])]
    corners = [
        (activations.index(c.activation) + 0.86, initializers.index(c.initializer) + 0.2)
        for c in split.itertuples()
    ]
    axes.plot(*np.array(corners or np.empty((0, 2))).T, "o", color="white", markersize=2.2)
    axes.tick_params(length=0)
    axes.tick_params("x", rotation=90)
    axes.grid(False)
    axes.spines[:].set_visible(False)


def _face(cell: object, hatched: bool) -> dict[str, object]:
    """How a cell's square is filled; one without a run is crossed out."""
    if not cell.seeds:
        return HOLE
    hatch = HATCHES[cell.verdict] if hatched else None
    return {"facecolor": COLORS[cell.verdict], "edgecolor": "white", "linewidth": 0.5, "hatch": hatch}


def _legend(body: SubFigure, found: pd.DataFrame, hatched: bool) -> None:
    """Every verdict that occurs with its letter, the best first."""
    words = [word for word in reversed(VERDICTS) if word in set(found["verdict"])]
    labels = words if hatched else [f"{LETTERS[word]}  {word}".strip() for word in words]
    signs = HATCHES if hatched else {}
    handles = [Patch(facecolor=COLORS[word], hatch=signs.get(word), edgecolor="white") for word in words]
    body.legend(handles, labels, loc="outside upper left", ncols=len(words), fontsize=SMALL, handlelength=1.4)


def _counts(found: pd.DataFrame) -> str:
    """How many cells are healthy, and which other verdict is the commonest, in a sentence."""
    counts = found["verdict"].value_counts()
    healthy, others = counts.get("healthy", 0), counts.drop("healthy", errors="ignore")
    most = f"; the commonest other verdict is {others.index[0]} ({others.iloc[0]:,})" if len(others) else ""
    return (
        f"{healthy:,} of {counted(len(found), 'cell')} ({percent(healthy / len(found))}) are healthy{most}."
    )
