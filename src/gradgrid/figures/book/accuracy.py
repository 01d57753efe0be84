"""Depth and accuracy: does another hidden layer help?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gradgrid.analysis.intervals import mean_with_interval
from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted, listed
from gradgrid.figures import panels
from gradgrid.figures.book import learning, published
from gradgrid.figures.book.learning import percent
from gradgrid.figures.numbers import signed
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source, Stated
from gradgrid.figures.speed import layer_colors
from gradgrid.figures.style import BLACK

_HEIGHT = 3.9
_ENLARGED_FROM = 6
"""So many epochs have their second half enlarged."""
_APART = 0.024
"""Share of the axis from one of the book's points to the next."""
_SPREAD = 0.18
"""How wide the dots of a depth spread, in distances from one depth to the next."""


@dataclass(frozen=True)
class _Kind:
    """How one of a run's accuracies is drawn: beside its depth's place, as a filled dot or a hollow one."""

    beside: float
    filled: bool
    label: str


_KINDS = {"last": _Kind(-0.26, True, "a seed, last epoch"), "best": _Kind(0.2, False, "its best epoch")}


@figure(table="book/accuracy", order=210, chapter="The book's chapter")
def book_accuracy(source: Source) -> Drawing:
    """Validation accuracy after every epoch, one line a depth."""
    scope, title = _scope(source), "How accuracy grows with the epochs, depth by depth"
    rows = learning.after_epochs(source, "depth")
    if rows["accuracy"].isna().all():
        return nothing(scope, title, learning.NO_ACCURACY)
    curves = learning.over_seeds(rows, "depth", "epoch")
    first, last = rows["epoch"].min(), rows["epoch"].max()
    colors, book = _depth_colors(rows), _book(rows) if last >= published.EPOCHS else {}
    objection = published.objection(source) if book else ""
    sheet = Sheet(scope, title, _HEIGHT)
    begins = [first, last // 2] if last >= _ENLARGED_FROM else [first]
    grid = sheet.body.subplots(1, len(begins), squeeze=False)[0]
    for begin, axes in zip(begins, grid, strict=True):
        shown = curves[curves.index.get_level_values("epoch") >= begin]
        _depth_lines(axes, shown, colors)
        learning.stretched_axis(axes, [*shown["min"], *shown["max"], *book.values()])
        learning.epoch_axis(axes, begin, last)
        axes.set_title(f"from epoch {begin} on{'' if begin == first else ', enlarged'}")
    _book_points(grid[-1], book, colors, objection)
    panels.axis_labels(sheet.body, "epoch", learning.AXIS)
    lines = [Line2D([], [], color=color, label=f"depth {depth}") for depth, color in colors.items()]
    panels.legend(sheet.body, [*lines, *published.handles(book, objection)])
    rankings = "".join(_ranking(curves, epoch) for epoch in dict.fromkeys([first, last]))
    return sheet.drawing(
        caption=f"Each line is one depth: {learning.mean_and_band(source.seeds)}.{rankings}"
        f"{learning.diverged(rows, 'depth')}{_where_the_book_stands(book, objection)}",
        alt=f"Line charts: validation accuracy against epoch, one line a depth ({listed(map(str, colors))}).",
        units={"epoch": "epochs", "validation accuracy": learning.UNIT},
    )


def _depth_lines(axes: Axes, curves: pd.DataFrame, colors: dict[int, tuple]) -> None:
    for depth, color in colors.items():
        learning.curve(axes, curves.loc[depth], ("low", "high"), f"depth {depth}", color)


def _book_points(axes: Axes, book: dict[int, float], colors: dict[int, tuple], objection: str) -> None:
    """The book's points side by side, right of the epoch that they are of, so that none hides another."""
    low, high = axes.get_xlim()
    for place, (depth, accuracy) in enumerate(book.items(), start=1):
        x = published.EPOCHS + place * _APART * (high - low)
        published.mark(axes, [x], [accuracy], objection, colors[depth])
        axes.set_xlim(low, max(high, x + _APART * (high - low)))


def _where_the_book_stands(book: dict[int, float], objection: str) -> str:
    beside = f" The book's accuracies, of epoch {published.EPOCHS}, stand side by side to the right of it."
    return objection or (beside if book else "")


@figure(table="book/accuracy", order=220, chapter="The book's chapter")
def book_final_accuracy(source: Source) -> Drawing:
    """Validation accuracy of every run after its last epoch and at its best epoch, by depth."""
    scope, title = _scope(source), "Does another hidden layer help?"
    rows = learning.after_epochs(source, "depth")
    runs = _last_and_best(rows)
    if runs["last"].isna().all():
        return nothing(scope, title, "Every run diverged before the end of its last epoch.")
    colors, book = _depth_colors(rows), _book(rows)
    objection = published.objection(source, rows["epoch"].max())
    sheet = Sheet(scope, title, _HEIGHT)
    axes = sheet.body.subplots()
    for place, (depth, color) in enumerate(colors.items()):
        for kind in _KINDS:
            _dots(axes, place, runs.loc[depth, kind], color)
        if depth in book:
            published.mark(axes, [place], [book[depth]], objection, color)
    learning.stretched_axis(axes, [accuracy for line in axes.lines for accuracy in line.get_ydata()])
    axes.set_xticks(range(len(colors)), [str(depth) for depth in colors])
    axes.set_xlim(-0.55, len(colors) - 0.45)
    panels.axis_labels(sheet.body, "depth (number of hidden layers)", learning.AXIS)
    panels.legend(sheet.body, [*_handles(), *published.handles(book, objection)])
    return sheet.drawing(
        caption=f"Each dot is one of {counted(source.seeds, 'seed')}: filled after the last epoch, hollow at its best."
        f"{_in_words(runs['last'], {} if objection else book)}{_changes(runs['last'])}{_best_epoch(runs)}"
        f"{learning.diverged(rows, 'depth')}{objection}",
        alt="Dots: validation accuracy of every run after the last epoch and at its best, by depth "
        f"({listed(map(str, colors))}).",
        units={"depth": "hidden layers", "validation accuracy": learning.UNIT},
    )


def _scope(source: Source) -> Stated:
    return source.stated(counted(source.seeds, "seed"), "[784, 30, …, 30, 10]", "sigmoid", learning.RECIPE)


def _depth_colors(rows: pd.DataFrame) -> dict[int, tuple]:
    depths = sorted(rows["depth"].unique())
    return dict(zip(depths, layer_colors(len(depths)).values(), strict=True))


def _book(rows: pd.DataFrame) -> dict[int, float]:
    """The book's accuracies of the depths that there are."""
    depths = set(rows["depth"])
    return {depth: accuracy for depth, accuracy in published.accuracies().items() if depth in depths}


def _ranking(curves: pd.DataFrame, epoch: int) -> str:
    """The best and the worst mean after an epoch, in a sentence with a space before it."""
    means = curves["mean"].xs(epoch, level="epoch").dropna()
    if means.empty:
        return ""
    best, worst = means.idxmax(), means.idxmin()
    others = f", depth {worst} the worst ({percent(means[worst])})" if len(means) > 1 else ""
    return f" After epoch {epoch} depth {best} is the best ({percent(means[best])}){others}."


def _last_and_best(rows: pd.DataFrame) -> pd.DataFrame:
    """Accuracy after the last epoch, NaN if the run diverged, and the highest of all, by depth and seed."""
    last = rows[rows["epoch"] == rows["epoch"].max()].set_index(["depth", "seed"])["accuracy"]
    best = rows.groupby(["depth", "seed"])["accuracy"].max().where(last.notna())
    return pd.DataFrame({"last": last, "best": best}).sort_index()


def _dots(axes: Axes, place: float, accuracies: pd.Series, color: tuple) -> None:
    """A dot a seed, spread out, and to their right their mean and its interval."""
    kind = _KINDS[accuracies.name]
    spread = _SPREAD * ((np.arange(len(accuracies)) + 0.5) / len(accuracies) - 0.5)
    dots = {"color": color, "markerfacecolor": color if kind.filled else "none", "markersize": 4.5}
    axes.plot(place + kind.beside + spread, accuracies, "o", **dots, label=accuracies.name)
    mean, _, low, high = mean_with_interval(accuracies.groupby(np.zeros(len(accuracies)))).iloc[0]
    beside = place + kind.beside + _SPREAD / 2 + 0.08
    axes.plot([beside, beside], [low, high], color=BLACK, linewidth=1.2, label="interval")
    axes.plot([beside], [mean], "_", color=BLACK, markersize=9, markeredgewidth=1.6, label="mean")


def _handles() -> list[Line2D]:
    dot = {"linestyle": "", "marker": "o", "color": BLACK, "markersize": 4.5}
    dots = [
        Line2D([], [], **dot, markerfacecolor=BLACK if kind.filled else "none", label=kind.label)
        for kind in _KINDS.values()
    ]
    cross = Line2D([], [], linestyle="", marker="+", color=BLACK, markersize=10)
    cross.set_label("mean and its 95 % interval")
    return [*dots, cross]


def _in_words(last: pd.Series, book: dict[int, float]) -> str:
    """Of every depth mean, interval, standard deviation and where the book's number lies: a sentence."""
    found = mean_with_interval(last.groupby("depth")).dropna(subset=["mean"])
    depths = [
        f"depth {depth} {_mean_in_words(row)}{_standing(book.get(depth), last[depth].dropna())}"
        for depth, row in found.iterrows()
    ]
    return f" Means after the last epoch, with their 95 % intervals: {'; '.join(depths)}."


def _mean_in_words(found: pd.Series) -> str:
    if np.isnan(found["std"]):
        return percent(found["mean"])
    half = 100 * (found["high"] - found["mean"])
    return f"{100 * found['mean']:.2f} ± {half:.2f} % (standard deviation {100 * found['std']:.2f})"


def _standing(book: float | None, runs: pd.Series) -> str:
    if book is None:
        return ""
    return f", the book's {percent(book)} above {(runs < book).sum()} of {counted(len(runs), 'run')}"


def _changes(last: pd.Series) -> str:
    """What each depth adds to the one before, from pairs of one seed, in a sentence; empty for one seed."""
    steps = last.unstack("depth").diff(axis=1).iloc[:, 1:]
    found = mean_with_interval((100 * steps.stack()).groupby("depth")).dropna()
    changes = [
        f"{signed(row['mean'])} ± {row['high'] - row['mean']:.2f} at depth {depth}"
        for depth, row in found.iterrows()
    ]
    what = "Change from the depth before, seed by seed, in percentage points"
    return f" {what}: {listed(changes)}." if changes else ""


def _best_epoch(runs: pd.DataFrame) -> str:
    """What choosing the best epoch adds, in a sentence with a space before it."""
    gain = 100 * (runs["best"] - runs["last"]).mean()
    return f" The best epoch, chosen on these same images, is {gain:.2f} points higher on average."
