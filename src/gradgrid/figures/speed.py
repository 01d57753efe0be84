"""How fast the layers learn: at initialization and over training."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted, listed
from gradgrid.figures import panels
from gradgrid.figures.numbers import times
from gradgrid.figures.settings import SPEED, Setting, decades_over_depth, telling_settings
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Scope, Source
from gradgrid.figures.style import BLACK, DASHED, SOLID, LineStyle, initializer_lines

NO_SPEED = "No layer has a speed of learning that is finite and above zero: there is nothing to draw."
_CELL = ["depth", "activation", "initializer"]
_SPEED_AXIS = "speed of learning ‖dC/db‖ (log scale)"
_SPEED_UNIT = "1 (Euclidean norm of the mean dC/db over the probe images)"
_ROW_HEIGHT = 1.9
_MOST_LAYERS_NAMED = 10


@figure(table="gradients", order=10, chapter="Speed of learning")
def speed_at_initialization(source: Source) -> Drawing:
    """Speed of learning by layer before the first step, for every activation, depth and initializer."""
    scope = source.scope(*_CELL)
    rows = scope.read([*_CELL, "layer", SPEED], step=0)
    speeds = rows.groupby([*_CELL, "layer"], sort=False)[SPEED].median()
    depths, activations = source.levels["depth"], source.levels["activation"]
    deepest = int(rows["depth"].max())
    title = "How fast each layer learns before training"
    limits = panels.decade_limits(speeds.to_numpy())
    if limits is None:
        return nothing(scope, title, NO_SPEED)
    sheet = Sheet(scope, title, panels.height(activations))
    widths = [min(depth, 12) + 1.6 for depth in depths]
    grid = panels.grid(sheet.body, activations, [f"depth {depth}" for depth in depths], widths=widths)
    styles = initializer_lines(source.levels["initializer"])
    panels.log_axis(grid[0, 0], limits)
    for axes, depth in zip(grid[0], depths, strict=True):
        panels.layer_ticks(axes, depth)
    for (row, column), axes in np.ndenumerate(grid):
        _initializer_lines(axes, panels.at(speeds, depths[column], activations[row]), styles, limits)
    panels.axis_labels(sheet.body, "layer, counted from the input (out: output layer)", _SPEED_AXIS)
    panels.legend(sheet.body, [Line2D([], [], **vars(style), label=label) for label, style in styles.items()])
    return sheet.drawing(
        caption="Each line is one initializer: the speed of learning of each layer on the probe images, "
        f"before the first step, median over {source.over_seeds}. Where a line rises to the "
        "right, early layers learn more slowly: the gradient vanishes on its way back. Where it falls, the "
        f"gradient explodes. {_steepest(decades_over_depth(scope, deepest), deepest)}What lies beyond "
        "the axis, zeros included, is drawn on its edge.",
        alt=f"Line charts on a log scale for {counted(len(activations), 'activation')} by "
        f"{counted(len(depths), 'depth')}: speed of learning against layer, one line for each of "
        f"{counted(len(styles), 'initializer')}.",
        units={"layer": "layer", "speed of learning": _SPEED_UNIT},
    )


def _initializer_lines(
    axes: Axes, speeds: pd.Series | None, styles: dict[str, LineStyle], limits: panels.Limits
) -> None:
    """One line an initializer; ``speeds`` is indexed by initializer and layer."""
    if speeds is None:
        return panels.cross(axes)
    for initializer in speeds.index.unique("initializer"):
        line, style = speeds.loc[initializer], vars(styles[initializer])
        axes.plot(line.index, np.clip(line, *limits), **style, label=initializer, clip_on=False)


def _steepest(decades: pd.Series, depth: int) -> str:
    """The steepest and the most even lines in a sentence and a space; empty if there are no decades."""
    decades = decades.dropna()
    if depth == 1 or decades.empty:
        return ""
    rising = [_ratio(*decades.idxmax(), decades.max())] if decades.max() > 0 else []
    falling = [_ratio(*decades.idxmin(), decades.min())] if decades.min() < 0 else []
    even = " with ".join(decades.abs().idxmin())
    return f"At depth {depth}, {'; '.join(rising + falling)}; the most even is {even}. "


def _ratio(activation: str, initializer: str, decades: float) -> str:
    fast, slow = ("last", "first") if decades > 0 else ("first", "last")
    ratio = times(10 ** abs(decades))
    return f"with {activation} and {initializer} the {fast} hidden layer learns {ratio} as fast as the {slow}"


@figure(table="gradients", order=20, chapter="Speed of learning")
def speed_over_training(source: Source) -> Drawing:
    """Speed of learning of every layer over training, for a few telling settings at every depth."""
    scope = source.scope(*_CELL)
    depths = source.levels["depth"]
    deepest = int(scope.read(["depth"])["depth"].max())
    settings = telling_settings(scope, deepest)
    speeds = {setting: _over_seeds(scope, setting) for setting in settings}
    title = "How fast the layers learn while they train"
    limits = panels.decade_limits(np.concatenate([speed["median"] for speed in speeds.values()]))
    if limits is None:
        return nothing(scope, title, NO_SPEED)
    sheet = Sheet(scope, title, panels.height(settings, _ROW_HEIGHT))
    rows, columns = [setting.label for setting in settings], [f"depth {depth}" for depth in depths]
    colors = layer_colors(deepest)
    steps = sorted({step for speed in speeds.values() for step in speed.index.unique("step")})
    grid = panels.grid(sheet.body, rows, columns)
    panels.log_axis(grid[0, 0], limits)
    for axes in grid[0]:
        panels.step_axis(axes, steps)
    for (row, column), axes in np.ndenumerate(grid):
        _layer_lines(axes, panels.at(speeds[settings[row]], depths[column]), colors, limits)
    panels.axis_labels(sheet.body, "step (log scale from step 1 on)", _SPEED_AXIS)
    output = Line2D([], [], color=BLACK, linestyle=DASHED, label="output layer")
    panels.legend(sheet.body, [*layer_handles(colors), output])
    return sheet.drawing(
        caption="Each line is one layer, dark for the first, the output layer dashed: the median over "
        f"{source.over_seeds}, the band from the smallest to the largest. A cross marks where "
        "the last seed diverged; what lies beyond the axis, zeros included, is drawn on its edge. "
        f"From above: {listed([setting.why for setting in settings])}. "
        f"{_gap(speeds[settings[0]].loc[deepest], settings[0], deepest)}",
        alt=f"Line charts on a log scale for {counted(len(settings), 'setting')} by "
        f"{counted(len(depths), 'depth')}: speed of learning against step, one line a layer.",
        units={"step": "steps", "speed of learning": _SPEED_UNIT},
    )


def _over_seeds(scope: Scope, setting: Setting) -> pd.DataFrame:
    """Median, smallest and largest speed over the seeds, indexed by depth, layer and step."""
    levels = {"activation": setting.activation, "initializer": setting.initializer}
    rows = scope.read(["depth", "layer", "step", SPEED], **levels)
    return rows.groupby(["depth", "layer", "step"])[SPEED].agg(["median", "min", "max"])


def layer_colors(depth: int) -> dict[int, tuple]:
    """A colour for every hidden layer, from dark for the first to light for the last."""
    lightness = {layer: 0.88 * (layer - 1) / max(depth - 1, 1) for layer in range(1, depth + 1)}
    return {layer: colormaps["viridis"](value) for layer, value in lightness.items()}


def _layer_lines(
    axes: Axes, speed: pd.DataFrame | None, colors: dict[int, tuple], limits: panels.Limits
) -> None:
    """One line and band a layer; ``speed`` is indexed by layer and step."""
    if speed is None:
        return panels.cross(axes)
    layers = speed.index.unique("layer")
    depth = layers.max() - 1
    for layer in layers:
        of_layer = speed.loc[layer].clip(*limits)
        color, linestyle = (colors[layer], SOLID) if layer <= depth else (BLACK, DASHED)
        band = {"color": color, "alpha": 0.18, "linewidth": 0}
        axes.fill_between(of_layer.index, of_layer["min"], of_layer["max"], **band)
        axes.plot(of_layer.index, of_layer["median"], color=color, linestyle=linestyle, label=str(layer))
        last = of_layer["median"].last_valid_index()
        if last is not None and last != of_layer.index[-1]:
            axes.plot([last], [of_layer["median"][last]], "x", color=color, markersize=5)


def layer_handles(colors: dict[int, tuple]) -> list[Line2D]:
    """Legend entries of the hidden layers, thinned out to about ten."""
    step = -(-len(colors) // _MOST_LAYERS_NAMED)
    named = [layer for layer in colors if (layer - 1) % step == 0]
    return [Line2D([], [], color=colors[layer], label=f"layer {layer}") for layer in named]


def _gap(speed: pd.DataFrame, setting: Setting, depth: int) -> str:
    """The last hidden layer's speed over the first's, at the first and the last step, in a sentence."""
    first, last = (speed["median"].loc[layer] for layer in (1, depth))
    ratio = (last / first).dropna()
    ratio = ratio[np.isfinite(ratio) & (ratio > 0)]
    if depth == 1 or len(ratio) < 2:
        return ""
    return (
        f"With {setting.activation} and {setting.initializer} at depth {depth}, the last hidden layer's "
        f"speed is {times(ratio.iloc[0])} the first's at step {ratio.index[0]:,} and "
        f"{times(ratio.iloc[-1])} at step {ratio.index[-1]:,}."
    )
