"""How fast the hidden layers learn while they train on a full batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted, listed
from gradgrid.figures import panels
from gradgrid.figures.book import published
from gradgrid.figures.book.speed import AXIS, HEIGHT, UNIT
from gradgrid.figures.levels import ordered
from gradgrid.figures.numbers import times
from gradgrid.figures.settings import SPEED
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source, Stated
from gradgrid.figures.speed import NO_SPEED, layer_colors, layer_handles

_BOOK = "sigmoid"
_ROW_HEIGHT = 2.1
_LINE = ["activation", "depth", "layer"]


@dataclass(frozen=True)
class _Measure:
    """What is drawn against the step: its column, and how a reader says it, with its axis and its unit."""

    column: str
    words: str
    axis: str
    unit: str
    note: str = ""


_SPEED = _Measure(SPEED, "speed of learning", AXIS, UNIT)
_WEIGHTS = _Measure(
    "weight_gradient_norm",
    "gradient of the weights",
    "gradient of the weights ‖dC/dW‖ (log scale)",
    UNIT.replace("Euclidean", "Frobenius").replace("dC/db", "dC/dW"),
    " A norm grows with the number of weights: a neuron has 784 in the first layer, 30 in the others.",
)


@figure(table="book/training_speed", order=240, chapter="The book's chapter")
def book_training_speed(source: Source) -> Drawing:
    """Speed of learning of every hidden layer through full-batch training with the sigmoid, by depth."""
    return _of_the_book(source, _SPEED, "How fast the hidden layers learn while they train")


@figure(table="book/training_speed", order=250, chapter="The book's chapter")
def book_training_weight_speed(source: Source) -> Drawing:
    """Gradient of the weights of every hidden layer through full-batch training with the sigmoid, by depth."""
    return _of_the_book(source, _WEIGHTS, "The gradient of the weights while the hidden layers train")


@figure(table="book/training_speed", order=255, chapter="The book's chapter")
def book_training_activations(source: Source) -> Drawing:
    """Speed of learning of every hidden layer through full-batch training, by activation and depth."""
    activations = _activations(source)
    title = "Does the gap between the layers remain with other activations?"
    if activations == [_BOOK]:
        reason = f"Only {_BOOK} was trained: there is no other activation to compare it with."
        return nothing(_scope(source), title, reason)
    return _followed(source, _SPEED, title, activations)


def _of_the_book(source: Source, measure: _Measure, title: str) -> Drawing:
    if _BOOK not in _activations(source):
        return nothing(_scope(source), title, f"No network with the book's activation, {_BOOK}, was trained.")
    return _followed(source, measure, title, [_BOOK])


def _activations(source: Source) -> list[str]:
    return ordered("activation", source.read(["activation"])["activation"].unique())


def _scope(source: Source, *activations: str) -> Stated:
    training = "full-batch steps on the first 1,000 training images, η = 0.1, λ = 5"
    return source.stated(counted(source.seeds, "seed"), "[784, 30, …, 30, 10]", *activations, training)


def _followed(source: Source, measure: _Measure, title: str, activations: Sequence[str]) -> Drawing:
    """A row of panels an activation, a panel a depth, with the book's points where it gives them."""
    alone = len(activations) == 1
    scope = _scope(source, *(activations if alone else []))
    rows = _hidden(source, measure, activations)
    spread, book = _over_seeds(rows), _book(rows) if measure == _SPEED else {}
    if panels.decade_limits(spread["median"].to_numpy()) is None:
        return nothing(scope, title, NO_SPEED)
    drawn = [spread["median"], *(points.to_numpy().ravel() for points in book.values())]
    limits = panels.decade_limits(np.concatenate(drawn))
    depths, objection = sorted(rows["depth"].unique()), published.objection(source) if book else ""
    colors = layer_colors(max(depths))
    sheet = Sheet(scope, title, HEIGHT if alone else panels.height(activations, _ROW_HEIGHT))
    grid = panels.grid(sheet.body, [""] if alone else activations, [f"depth {depth}" for depth in depths])
    for (row, column), axes in np.ndenumerate(grid):
        activation, depth = activations[row], depths[column]
        panels.log_axis(axes, limits)
        _step_axis(axes, rows["step"].max())
        _lines(axes, spread.loc[activation, depth].clip(*limits), colors)
        if activation == _BOOK and depth in book:
            _points(axes, book[depth], colors, objection)
    panels.axis_labels(sheet.body, "step (updates done)", measure.axis)
    panels.legend(sheet.body, [*layer_handles(colors), *published.handles(book, objection)])
    standing = _within(spread, book) if source.seeds > 1 else ""
    return sheet.drawing(
        caption=f"Each line is one hidden layer, dark for the first: {_median_and_band(source.seeds)}."
        f"{_gaps(rows, activations, measure)}{measure.note}{objection or standing}",
        alt=f"Line charts on a log scale for {listed(activations)} by depth ({listed(map(str, depths))}): "
        f"{measure.words} against step, one line a hidden layer.",
        units={"step": "steps", measure.words: measure.unit},
    )


def _median_and_band(seeds: int) -> str:
    return (
        f"the median over {seeds:,} seeds, the band their middle 90 %" if seeds > 1 else "the only seed's run"
    )


def _hidden(source: Source, measure: _Measure, activations: Sequence[str]) -> pd.DataFrame:
    """The rows of the hidden layers, the measure as ``value`` in float64."""
    rows = source.read([*_LINE, "step", "seed", measure.column], activation=activations)
    hidden = rows[rows["layer"] <= rows["depth"]].rename(columns={measure.column: "value"})
    return hidden.astype({"value": np.float64})


def _over_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """Median and 5th and 95th percentile over the seeds, by activation, depth, layer and step."""
    quantiles = rows.groupby([*_LINE, "step"])["value"].quantile([0.05, 0.5, 0.95]).unstack()
    return quantiles.set_axis(["low", "median", "high"], axis=1)


def _book(rows: pd.DataFrame) -> dict[int, pd.DataFrame]:
    """The book's speeds [steps, layers] by depth, at the steps that there are."""
    of_book = rows[rows["activation"] == _BOOK]
    found = {depth: published.speeds(depth) for depth in of_book["depth"].unique()}
    kept = {depth: points[points.index <= rows["step"].max()] for depth, points in found.items()}
    return {depth: points for depth, points in kept.items() if len(points)}


def _step_axis(axes: Axes, last: int) -> None:
    room = max(0.02 * last, 0.1)
    axes.set_xlim(-room, last + room)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))


def _lines(axes: Axes, spread: pd.DataFrame, colors: dict[int, tuple]) -> None:
    """One line and band a layer; ``spread`` is indexed by layer and step."""
    for layer in spread.index.unique("layer"):
        of_layer, color = spread.loc[layer], colors[layer]
        axes.fill_between(
            of_layer.index, of_layer["low"], of_layer["high"], color=color, alpha=0.18, linewidth=0
        )
        marker = "" if len(of_layer) > 1 else "o"  # a line through one step would not be seen
        axes.plot(of_layer.index, of_layer["median"], color=color, marker=marker, label=str(layer))


def _points(axes: Axes, book: pd.DataFrame, colors: dict[int, tuple], objection: str) -> None:
    for layer, values in book.items():
        published.mark(axes, values.index, values, objection, colors[layer])


def _gaps(rows: pd.DataFrame, activations: Sequence[str], measure: _Measure) -> str:
    """What the last hidden layer has over the first at either end, in a sentence with a space before it."""
    depth, ends = rows["depth"].max(), dict.fromkeys([rows["step"].min(), rows["step"].max()])
    if depth == 1:
        return ""
    deepest = rows[(rows["depth"] == depth) & rows["step"].isin(list(ends))]
    found = [f"{name} {_gap(deepest[deepest['activation'] == name])}" for name in activations]
    what = f"the last hidden layer's {measure.words} over the first's at step {listed(map(str, ends))}"
    return f" At depth {depth}, {what} (median of the seeds): {'; '.join(found)}."


def _gap(deepest: pd.DataFrame) -> str:
    """The last over the first layer's value at each step of the rows, median of the seeds, in words."""
    speeds = deepest.pivot(index=["step", "seed"], columns="layer", values="value")
    ratios = (speeds.iloc[:, -1] / speeds.iloc[:, 0]).groupby("step").median()
    return listed(times(ratio) if 0 < ratio < np.inf else "without a ratio" for ratio in ratios)


def _within(spread: pd.DataFrame, book: dict[int, pd.DataFrame]) -> str:
    """How many of the book's points lie in the bands, in a sentence with a space before it."""
    points = [
        (spread.loc[(_BOOK, depth, layer, step)], value)
        for depth, of_depth in book.items()
        for (step, layer), value in of_depth.stack().items()
    ]
    inside = sum(band["low"] <= value <= band["high"] for band, value in points)
    return f" Of the book's {len(points)} points {inside} lie within their layer's band." if points else ""
