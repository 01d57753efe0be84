"""How fast the single neurons of the book's [784, 30, 30, 10] learn before training."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Circle, Rectangle

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted
from gradgrid.figures import panels
from gradgrid.figures.numbers import percent, times
from gradgrid.figures.sheet import Drawing, Sheet
from gradgrid.figures.source import Source
from gradgrid.figures.speed import layer_colors
from gradgrid.figures.style import BLACK, BLUE, DASHED, GREY, SMALL, TEXT

_NETWORK, _BEFORE = "[784, 30, 30, 10]", "before training"
_UNIT = "1 (absolute value of the neuron's mean dC/db over the probe images)"
_NAMES = {1: "first hidden layer", 2: "second hidden layer"}
_COLORS = layer_colors(len(_NAMES))

_SHOWN = 6
_COLUMNS = {1: -2.6, 2: 2.6}
_RADIUS, _BAR_WIDTH, _BAR_HEIGHT = 0.46, 0.3, 0.7
"""The diagram's measures, in distances from one neuron to the next."""
_SAID = "#555555"

_BEYOND = 0.005
"""The share of the neurons, those with the smallest |dC/db|, that may lie beyond the axis."""


@figure(table="book/neurons", order=222, chapter="The book's chapter")
def book_neurons(source: Source) -> Drawing:
    """The book's picture: in each neuron of the untrained network a bar for how fast it learns."""
    rows = source.read(["seed", "layer", "neuron", "bias_gradient"])
    seed = rows["seed"].min()
    speeds = _of_seed(rows, seed)
    shown = speeds.head(_SHOWN)
    sheet = Sheet(
        source.stated(f"seed {seed}", _NETWORK, _BEFORE), "How fast single neurons learn", height=5.2
    )
    _diagram(sheet.body.subplots(), shown, len(speeds) - len(shown))
    layer, neuron = shown.unstack().idxmax()
    one, two = speeds.median()
    longer = int((shown[2] > shown[1]).sum())
    return sheet.drawing(
        caption=f"The first {counted(len(shown), 'neuron')} of each hidden layer, as in the book. The bar in a neuron "
        "shows |dC/db|, the number beside it; all bars have one scale, and the longest is "
        f"{shown.max(axis=None):.4f} (neuron {neuron} of the {_NAMES[layer]}). In {longer} of the {len(shown)} rows "
        f"the second layer's bar is the longer one. Over all {len(speeds)} neurons of a layer, the median is {one:.4f} "
        f"in the first and {two:.4f} in the second, {times(two / one)} as much; the lengths ‖dC/db‖, the layers' "
        f"speeds of learning, are {_length(speeds[1]):.3f} and {_length(speeds[2]):.3f}.",
        alt=f"Diagram of {_NETWORK}: two columns of {len(shown)} circles, connected, with a bar in each circle for "
        f"|dC/db|; the second column's bar is longer in {longer} of {len(shown)} rows.",
        units={"bar": _UNIT},
    )


def _of_seed(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """|dC/db| of a seed's neurons: a row a neuron, a column a layer."""
    return rows[rows["seed"] == seed].pivot(index="neuron", columns="layer", values="bias_gradient").abs()


def _length(gradient: pd.Series) -> float:
    return float(np.linalg.norm(gradient))


def _diagram(axes: Axes, shown: pd.DataFrame, further: int) -> None:
    """Two columns of neurons with their connections, the first neuron on top, the bars on one scale."""
    axes.set(xlim=(-8, 8), ylim=(-len(shown) - 0.3, 0.75), aspect="equal")
    axes.axis("off")
    rows, (left, right) = -np.arange(len(shown)), _COLUMNS.values()
    lines = [[(left + _RADIUS, start), (right - _RADIUS, end)] for start in rows for end in rows]
    axes.add_collection(LineCollection(lines, colors="#d4d4d4", linewidths=0.6))
    heights = shown * (_BAR_HEIGHT / shown.max(axis=None))
    for layer, x in _COLUMNS.items():
        _say(axes, x, 0.68, _NAMES[layer], fontsize=TEXT, fontweight="bold")
        _say(axes, x, rows[-1] - 0.95, f"⋮\n{further} more", color=_SAID, linespacing=1.5)
        for y, height, speed in zip(rows, heights[layer], shown[layer], strict=True):
            _neuron(axes, x, y, height, _COLORS[layer])
            _say(axes, x * 1.37, y, f"{speed:.4f}", fontsize=TEXT)
    _say(axes, 2.2 * left, rows.mean(), "from the\n784 pixels  →", color=_SAID)
    _say(axes, 2.2 * right, rows.mean(), "to the\n→  10 outputs", color=_SAID)


def _say(axes: Axes, x: float, y: float, text: str, **style: object) -> None:
    axes.text(x, y, text, ha="center", va="center", **style)


def _neuron(axes: Axes, x: float, y: float, height: float, color: tuple) -> None:
    """A circle with a bar that stands on a line."""
    left, bottom = x - _BAR_WIDTH / 2, y - _BAR_HEIGHT / 2
    axes.add_patch(Circle((x, y), _RADIUS, facecolor="white", edgecolor=BLACK, linewidth=0.9))
    axes.plot([left - 0.07, left + _BAR_WIDTH + 0.07], [bottom, bottom], color=GREY, linewidth=0.7)
    edge = {"edgecolor": BLACK, "linewidth": 0.5}
    axes.add_patch(Rectangle((left, bottom), _BAR_WIDTH, height, facecolor=color, **edge))


@figure(table="book/neurons", order=224, chapter="The book's chapter")
def book_neuron_speeds(source: Source) -> Drawing:
    """How |dC/db| is distributed over the neurons of both hidden layers, and its median by seed."""
    rows = source.read(["seed", "layer", "bias_gradient"])
    rows["speed"] = rows["bias_gradient"].abs()
    medians = rows.groupby(["seed", "layer"])["speed"].median().unstack()
    one, two = rows.groupby("layer")["speed"].median()
    above = percent(float((rows.loc[rows["layer"] == 2, "speed"] > one).mean()))
    faster = f"{int((medians[2] > medians[1]).sum())} of {counted(len(medians), 'seed')}"
    scope = source.stated(counted(source.seeds, "seed"), _NETWORK, _BEFORE)
    sheet = Sheet(scope, "How fast all neurons of the two hidden layers learn", height=3.6)
    distribution, by_seed = sheet.body.subplots(1, 2, width_ratios=[1.9, 1])
    _histograms(distribution, rows)
    _by_seed(by_seed, medians)
    return sheet.drawing(
        caption="Left: |dC/db| of every hidden neuron of all seeds; dashed the medians, "
        f"{one:.4f} in the first hidden layer and {two:.4f} in the second, {times(two / one)} as much. "
        f"{above} of the second layer's neurons are above the first layer's median. What lies beyond the axis is "
        "counted at its edge. Right: a dot is one seed, with the medians over its neurons; above the line the second "
        f"layer learns faster. That is so for {faster}.",
        alt=f"Two histograms of |dC/db| on a log axis, with medians {one:.4f} and {two:.4f}; dots of the two layers' "
        f"medians by seed, above the line of equality for {faster}.",
        units={"|dC/db|": _UNIT, "share": "% of the layer's neurons", "median": "1 (median of |dC/db|)"},
    )


def _histograms(axes: Axes, rows: pd.DataFrame) -> None:
    """Both layers' speeds in bins that are equally wide on a log axis, with their medians."""
    usual = rows["speed"][rows["speed"] >= rows["speed"].quantile(_BEYOND)]
    low, high = panels.decade_limits(usual.to_numpy())
    a_decade = 10 if len(rows) >= 2_000 else 4
    edges = np.geomspace(low, high, a_decade * round(np.log10(high / low)) + 1)
    for layer, color in _COLORS.items():
        speed = rows.loc[rows["layer"] == layer, "speed"]
        share = 100 * np.histogram(speed.clip(low, high), edges)[0] / len(speed)
        axes.stairs(share, edges, fill=True, color=color, alpha=0.4)
        axes.stairs(share, edges, color=color, linewidth=1.3, label=_NAMES[layer])
        axes.axvline(speed.median(), color=color, linestyle=DASHED, label=f"median {layer}")
    axes.margins(y=0.2)
    axes.legend(handles=axes.patches[1::2], loc="upper left")
    axes.set(xscale="log", xlim=(low, high))
    axes.set(xlabel="|dC/db| of a neuron (log scale)", ylabel="% of the layer's neurons")


def _by_seed(axes: Axes, medians: pd.DataFrame) -> None:
    """The second layer's median against the first's, on one scale, with the line of equality."""
    limits = panels.decade_limits(medians.to_numpy())
    axes.plot(limits, limits, color=GREY, linestyle=DASHED)
    axes.plot(medians[1], medians[2], "o", color=BLUE, markersize=4, alpha=0.6, label="seeds")
    axes.text(0.55, 0.5, "equally fast", transform=axes.transAxes, fontsize=SMALL, color=_SAID, va="top")
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits, box_aspect=1)
    axes.set(xlabel="first layer's median |dC/db|", ylabel="second layer's median |dC/db|")
