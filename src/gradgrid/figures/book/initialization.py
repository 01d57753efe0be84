"""Chapter 3's comparison of initial weights: how soon, and how high, networks with one hidden layer come."""

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted, listed
from gradgrid.figures import panels
from gradgrid.figures.book import learning, published
from gradgrid.figures.book.learning import percent
from gradgrid.figures.levels import ordered
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source
from gradgrid.figures.style import LineStyle, initializer_lines

_CELL = ["width", "initializer"]
_HEIGHT = 3.9
_WEIGHTS = {"lecun_normal": ": N(0, 1/n_in)", "normal": ": N(0, 1)"}
"""What the two kinds of the book are."""


@figure(table="book/initialization", order=260, chapter="The book's chapter")
def book_initialization(source: Source) -> Drawing:
    """Validation accuracy by epoch for two kinds of initial weights, one panel a width."""
    scope = source.stated(
        counted(source.seeds, "seed"), "one hidden layer, [784, width, 10]", "sigmoid", learning.RECIPE
    )
    title = "What initial weights of the right size are worth"
    rows = learning.after_epochs(source, *_CELL)
    if rows["accuracy"].isna().all():
        return nothing(scope, title, learning.NO_ACCURACY)
    curves = learning.over_seeds(rows, *_CELL, "epoch")
    widths, styles = sorted(rows["width"].unique()), _styles(rows)
    book = _book(rows)
    objection = published.objection(source) if book else ""
    sheet = Sheet(scope, title, _HEIGHT)
    axes_of = dict(zip(widths, panels.grid(sheet.body, [""], [f"width {w}" for w in widths])[0], strict=True))
    for (width, initializer), curve in curves.groupby(level=_CELL):
        style = styles[initializer]
        learning.curve(axes_of[width], curve.droplevel(_CELL), ("min", "max"), initializer, **vars(style))
    for (width, initializer), points in book.items():
        published.mark(
            axes_of[width], list(points), list(points.values()), objection, styles[initializer].color
        )
    drawn = [accuracy for points in book.values() for accuracy in points.values()]
    for axes in axes_of.values():
        learning.stretched_axis(axes, [*curves["min"], *curves["max"], *drawn])
        learning.epoch_axis(axes, rows["epoch"].min(), rows["epoch"].max())
    panels.axis_labels(sheet.body, "epoch", learning.AXIS)
    lines = [Line2D([], [], **vars(style), label=_named(name)) for name, style in styles.items()]
    panels.legend(sheet.body, [*lines, *published.handles(book, objection)])
    return sheet.drawing(
        caption=f"Each line is the mean over {counted(source.seeds, 'seed')}, the band from the worst to the best. "
        f"{' '.join(_in_words(curves['mean'][width], width) for width in widths)}"
        f"{learning.diverged(rows, *_CELL)}{objection}",
        alt="Line charts: validation accuracy against epoch for width "
        f"{listed(map(str, widths))}, one line for each of {listed(styles)}.",
        units={"epoch": "epochs", "validation accuracy": learning.UNIT},
    )


def _styles(rows: pd.DataFrame) -> dict[str, LineStyle]:
    return initializer_lines(ordered("initializer", rows["initializer"].unique()))


def _named(initializer: str) -> str:
    return initializer + _WEIGHTS.get(initializer, "")


def _book(rows: pd.DataFrame) -> dict[tuple[int, str], dict[int, float]]:
    """The book's accuracies by epoch of the cells and epochs that there are."""
    cells, epochs = set(rows.groupby(_CELL).groups), set(rows["epoch"])
    return {
        cell: {epoch: accuracy for epoch, accuracy in points.items() if epoch in epochs}
        for cell, points in published.initializations().items()
        if cell in cells
    }


def _in_words(means: pd.Series, width: int) -> str:
    """Every initializer's mean after the first and the last epoch, as a sentence."""
    epochs = means.index.unique("epoch")
    ends = dict.fromkeys([epochs.min(), epochs.max()])
    table = means.unstack("initializer").loc[list(ends)]
    found = [f"{name} {listed(map(_or_diverged, table[name]))}" for name in table]
    return f"Width {width}, after epoch {listed(map(str, ends))}: {'; '.join(found)}."


def _or_diverged(mean: float) -> str:
    return "diverged" if np.isnan(mean) else percent(mean)
