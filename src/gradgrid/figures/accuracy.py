"""What the networks learned: final accuracy of every cell, and the way there."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import FuncNorm
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from gradgrid.core.datasets import CLASSES
from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted
from gradgrid.figures import panels, stretch
from gradgrid.figures.matrix import Matrix, Scale, heat_maps, height, pivoted
from gradgrid.figures.numbers import percent
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source
from gradgrid.figures.style import GREY, LineStyle, initializer_lines

CHANCE = 1 / CLASSES
_CELL = ["depth", "activation", "initializer"]
_MEAN, _LOW, _HIGH = (f"validation_accuracy_{what}" for what in ("mean", "low", "high"))
_UNIT = "percent of the validation images"


@figure(table="cells", order=40, chapter="Accuracy")
def final_accuracy(source: Source) -> Drawing:
    """Final validation accuracy of every activation with every initializer, one heat map a depth."""
    scope = source.scope(*_CELL)
    cells = scope.read([*_CELL, "seeds", "runs_diverged", _MEAN, _LOW, _HIGH])
    depths = source.levels["depth"]
    matrices = [_accuracy_matrix(cells[cells["depth"] == depth], f"depth {depth}") for depth in depths]
    sheet = Sheet(scope, "How well every cell classifies after training", height(matrices))
    heat_maps(sheet.body, matrices, _accuracy_scale(cells[_MEAN]))
    return sheet.drawing(
        caption="Mean validation accuracy in percent after the last epoch, over "
        f"{source.over_seeds}. The colours stretch the upper end, where the best differ. "
        "Hatched: every seed diverged. Red corner: some seeds diverged, and the mean is over the others. "
        f"{_best_and_lost(cells[cells['seeds'] > 0])}",
        alt=f"Heat maps of initializers by activations for {counted(len(depths), 'depth')}, each field with "
        "its validation accuracy in percent.",
        units={"validation accuracy": _UNIT},
    )


def _accuracy_matrix(cells: pd.DataFrame, heading: str) -> Matrix:
    hole = cells["seeds"] == 0
    all_diverged = (cells["runs_diverged"] == cells["seeds"]) & ~hole
    texts = cells[_MEAN].map(lambda mean: "–" if np.isnan(mean) else f"{100 * mean:.1f}")
    marked = cells.assign(
        text=texts.mask(all_diverged, "div.").mask(hole, ""),
        all=all_diverged,
        some=(cells["runs_diverged"] > 0) & ~all_diverged,
    )
    return Matrix(heading, *(pivoted(marked, column) for column in (_MEAN, "text", "all", "some")))


def _accuracy_scale(means: pd.Series) -> Scale:
    """Stretched colours from guessing, or the worst mean below it, to the best mean."""
    low = np.nanmin([CHANCE, *means])
    high = min(np.nanmax([low + 0.05, *means]), stretch.HIGHEST)
    norm = FuncNorm(stretch.FUNCTIONS, vmin=low, vmax=high)
    return Scale(colormaps["viridis"], norm, "validation accuracy\n(%)", *stretch.ticks(low, high))


def _best_and_lost(cells: pd.DataFrame) -> str:
    """The best cell at the least and at the greatest depth and the numbers of lost cells, in sentences."""
    depths = dict.fromkeys([cells["depth"].min(), cells["depth"].max()])
    trained = {depth: cells[cells["depth"] == depth].dropna(subset=[_MEAN]) for depth in depths}
    best = [_best(of_depth, depth) for depth, of_depth in trained.items() if len(of_depth)]
    lost = int((cells[_MEAN] < 2 * CHANCE).sum())
    diverged = int((cells["runs_diverged"] == cells["seeds"]).sum())
    return " ".join(
        [
            *best,
            f"Of {counted(len(cells), 'cell')}, {lost:,} stay below {200 * CHANCE:.0f} % and {diverged:,} "
            "diverge with every seed.",
        ]
    )


def _best(cells: pd.DataFrame, depth: int) -> str:
    best = cells.loc[cells[_MEAN].idxmax()]
    interval = f", 95 % interval {100 * best[_LOW]:.1f} to {100 * min(best[_HIGH], 1):.1f} %"
    return (
        f"Best at depth {depth}: {best['activation']} with {best['initializer']} ({percent(best[_MEAN])}"
        f"{'' if np.isnan(best[_LOW]) else interval})."
    )


@figure(table="accuracy", order=60, chapter="Accuracy")
def training_curves(source: Source) -> Drawing:
    """Validation accuracy over the epochs for every activation, depth and initializer."""
    scope = source.scope(*_CELL)
    rows = scope.read([*_CELL, "epoch", "accuracy"], split="validation")
    curves = rows.groupby([*_CELL, "epoch"], sort=False)["accuracy"].agg(["median", "min", "max"])
    depths, activations = source.levels["depth"], source.levels["activation"]
    title = "How accuracy grows over training"
    if curves["median"].isna().all():
        return nothing(
            scope, title, "No run has a validation accuracy: all diverged before the first measurement."
        )
    sheet = Sheet(scope, title, panels.height(activations))
    grid = panels.grid(sheet.body, activations, [f"depth {depth}" for depth in depths])
    styles = initializer_lines(source.levels["initializer"])
    highest = stretch.above(curves["max"].max())
    _axes_of_curves(grid, highest)  # first: a y axis without limits is searched anew for each panel
    for (row, column), axes in np.ndenumerate(grid):
        _curves(axes, panels.at(curves, depths[column], activations[row]), styles)
        axes.update_datalim([(0, 0), (rows["epoch"].max(), 0)])
        axes.autoscale_view(scaley=False)  # a panel without lines has none to follow
    panels.axis_labels(sheet.body, "epoch", "validation accuracy (%), upper end stretched")
    panels.legend(sheet.body, [Line2D([], [], **vars(style), label=label) for label, style in styles.items()])
    return sheet.drawing(
        caption=f"Each line is one initializer: the median over {source.over_seeds}, as far as "
        "they have not diverged, the band from the smallest to the largest. The grey line is guessing "
        f"({100 * CHANCE:.0f} %): what stays on it learns nothing; a line that ends early diverged. "
        f"{_above_ninety(rows)}",
        alt=f"Line charts for {counted(len(activations), 'activation')} by {counted(len(depths), 'depth')}: "
        f"validation accuracy against epoch, one line for each of {counted(len(styles), 'initializer')}.",
        units={"epoch": "epochs", "validation accuracy": _UNIT},
    )


def _curves(axes: Axes, curves: pd.DataFrame | None, styles: dict[str, LineStyle]) -> None:
    """One line and band an initializer; ``curves`` is indexed by initializer and epoch."""
    if curves is None:
        return panels.cross(axes)
    axes.axhline(CHANCE, color=GREY, linewidth=0.8, zorder=1)
    for initializer in curves.index.unique("initializer"):
        curve, style = curves.loc[initializer].sort_index(), styles[initializer]
        axes.fill_between(curve.index, curve["min"], curve["max"], color=style.color, alpha=0.15, linewidth=0)
        axes.plot(curve.index, curve["median"], **vars(style), label=initializer)


def _axes_of_curves(grid: np.ndarray, highest: float) -> None:
    first = grid[0, 0]
    first.set_yscale("function", functions=stretch.FUNCTIONS)
    first.set_ylim(0, highest)
    first.set_yticks(*stretch.ticks(0, highest))
    for axes in grid[0]:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def _above_ninety(rows: pd.DataFrame) -> str:
    """Share of the runs above 90 % after the first and after the last epoch, in a sentence."""
    last = rows["epoch"].max()
    first_epoch, end = (rows["accuracy"][np.isclose(rows["epoch"], epoch)] > 0.9 for epoch in (1, last))
    if last <= 1 or first_epoch.empty:
        return f"At the end {100 * end.mean():.0f} % of these runs are above 90 %."
    return (
        f"{100 * first_epoch.mean():.0f} % of these runs are above 90 % after one epoch, "
        f"{100 * end.mean():.0f} % after {last:.0f}."
    )
