"""How fast the hidden layers learn before training."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted, listed
from gradgrid.figures import panels
from gradgrid.figures.book import published
from gradgrid.figures.numbers import times
from gradgrid.figures.settings import SPEED
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source
from gradgrid.figures.speed import NO_SPEED, layer_colors
from gradgrid.figures.style import BLACK, GREY, SMALL

HEIGHT = 3.9
AXIS = "speed of learning ‖dC/db‖ (log scale)"
UNIT = "1 (Euclidean norm of the mean dC/db over the first 1,000 training images)"

_BOX_WIDTH, _ALPHA = 0.6, 0.4


@figure(table="book/initial_speed", order=230, chapter="The book's chapter")
def book_initial_speed(source: Source) -> Drawing:
    """Speed of learning of every hidden layer before training, over many networks, by depth."""
    scope = source.stated(counted(source.seeds, "seed"), "[784, 30, …, 30, 10]", "sigmoid", "before training")
    title = "How fast the hidden layers learn before training"
    speeds = _hidden_speeds(source)
    depths = speeds.index.unique("depth").tolist()
    book = _book(depths)
    if panels.decade_limits(speeds.to_numpy()) is None:
        return nothing(scope, title, NO_SPEED)
    limits = panels.decade_limits(np.concatenate([speeds, *book.values()]))
    ratios, objection = _ratios(speeds), published.objection(source)
    sheet = Sheet(scope, title, HEIGHT)
    widths = [min(max(depth, 4), 12) + 1.6 for depth in depths]  # the ratio must fit in the narrowest
    grid = panels.grid(sheet.body, [""], [f"depth {depth}" for depth in depths], widths=widths)[0]
    for depth, axes in zip(depths, grid, strict=True):
        panels.log_axis(axes, limits)
        _layer_axis(axes, depth)
        _boxes(axes, speeds[depth].clip(*limits), layer_colors(max(depths)))
        if depth in book:
            published.mark(axes, range(1, depth + 1), book[depth], objection, "none")
        _write_ratio(axes, ratios.get(depth), book.get(depth))
    panels.axis_labels(sheet.body, "hidden layer, counted from the input", AXIS)
    panels.legend(sheet.body, [*_handles(), *published.handles(book, objection)])
    standing = _percentiles(speeds, book) if source.seeds > 1 else ""
    return sheet.drawing(
        caption=f"Each box is one hidden layer over {counted(source.seeds, 'seed')}.{_ratios_in_words(ratios)}"
        f"{objection or standing}{_on_the_edge(speeds, limits)}",
        alt="Boxes on a log scale: speed of learning of each hidden layer, for depth "
        f"{listed(map(str, depths))}.",
        units={"hidden layer": "layer", "speed of learning": UNIT},
    )


def _hidden_speeds(source: Source) -> pd.Series:
    """Speed of learning by depth, layer and seed, in float64, without the output layer."""
    rows = source.read(["depth", "layer", "seed", SPEED])
    hidden = rows[rows["layer"] <= rows["depth"]].set_index(["depth", "layer", "seed"])
    return hidden[SPEED].astype(np.float64).sort_index()


def _book(depths: Sequence[int]) -> dict[int, np.ndarray]:
    """The book's speeds before training, from the first hidden layer to the last, by depth."""
    found = {depth: published.speeds(depth) for depth in depths}
    return {depth: speeds.loc[0].to_numpy() for depth, speeds in found.items() if len(speeds)}


def _ratios(speeds: pd.Series) -> dict[int, float]:
    """Geometric mean over the seeds of the last over the first hidden layer's speed, by depth from 2 on."""
    decades = np.log10(speeds.where(np.isfinite(speeds) & (speeds > 0)))
    gaps = {
        depth: (decades[depth, depth] - decades[depth, 1]).mean() for depth in decades.index.unique("depth")
    }
    return {depth: 10**gap for depth, gap in gaps.items() if depth > 1 and np.isfinite(gap)}


def _layer_axis(axes: Axes, depth: int) -> None:
    """Ticks at the hidden layers, about nine of them."""
    axes.set_xlim(0.4, depth + 0.6)
    axes.set_xticks(range(1, depth + 1, -(-depth // 9)))
    axes.grid(visible=False, axis="x")


def _boxes(axes: Axes, speeds: pd.Series, colors: Mapping[int, tuple]) -> None:
    """A box a layer: the range of the seeds, the middle 90 % and the median; ``speeds`` by layer and seed."""
    for layer, of_layer in speeds.dropna().groupby(level="layer"):
        low, bottom, median, top, high = of_layer.quantile([0, 0.05, 0.5, 0.95, 1])
        axes.plot([layer, layer], [low, high], color=GREY, linewidth=1.0, label=f"range {layer}", zorder=1.5)
        left, right = layer - _BOX_WIDTH / 2, layer + _BOX_WIDTH / 2
        axes.add_patch(Rectangle((left, bottom), _BOX_WIDTH, top - bottom, color=colors[layer], alpha=_ALPHA))
        axes.plot([left, right], [median, median], color=BLACK, linewidth=1.8, label=f"median {layer}")


def _write_ratio(axes: Axes, ratio: float | None, book: np.ndarray | None) -> None:
    """The ratio of last to first hidden layer in the panel's lower corner, with the book's."""
    if ratio is None:
        return
    of_book = "" if book is None else f"\n(book {times(book[-1] / book[0]).removesuffix(' times')})"
    corner = {"ha": "right", "va": "bottom", "fontsize": SMALL, "transform": axes.transAxes}
    axes.text(0.97, 0.03, times(ratio) + of_book, **corner)


def _handles() -> list[Line2D | Patch]:
    return [
        Line2D([], [], color=GREY, linewidth=1.0, label="range of the seeds"),
        Patch(color=GREY, alpha=_ALPHA, linewidth=0, label="middle 90 %"),
        Line2D([], [], color=BLACK, linewidth=1.8, label="median"),
    ]


def _ratios_in_words(ratios: dict[int, float]) -> str:
    """How many times as fast the last hidden layer learns, in a sentence with a space before it."""
    if not ratios:
        return ""
    found = [f"{times(ratio)} at depth {depth}" for depth, ratio in ratios.items()]
    what = "In the corner stands the last hidden layer's speed over the first's, geometric mean of the seeds"
    return f" {what}: {listed(found)}."


def _on_the_edge(speeds: pd.Series, limits: panels.Limits) -> str:
    """Says so where speeds lie beyond the axis."""
    outside = (speeds < limits[0]) | (speeds > limits[1])
    return " What lies beyond the axis, zeros included, is drawn on its edge." if outside.any() else ""


def _percentiles(speeds: pd.Series, book: dict[int, np.ndarray]) -> str:
    """The share of the seeds below each of the book's values, in a sentence with a space before it."""
    shares = [f"{_shares(speeds[depth], values)} at depth {depth}" for depth, values in book.items()]
    below = "Of these seeds, so many learn more slowly than the book's network, layer by layer"
    return f" {below}: {'; '.join(shares)}." if shares else ""


def _shares(speeds: pd.Series, book: np.ndarray) -> str:
    shares = [100 * (speeds[layer].dropna() < value).mean() for layer, value in enumerate(book, start=1)]
    return f"{listed(f'{share:.0f}' for share in shares)} %"
