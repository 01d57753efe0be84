"""The flow of the gradient: speed of learning by layer and step as heat maps."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import SubFigure

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted
from gradgrid.figures import panels
from gradgrid.figures.settings import SPEED
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source
from gradgrid.figures.speed import NO_SPEED
from gradgrid.figures.style import SMALL, TEXT, WIDTH, broken

_ROW_HEIGHT, _AROUND_PANELS, _LEFT_AND_RIGHT = 0.95, 1.1, 2.3
_LEAST_HEIGHT = 2.8
_MOST_DECADES = 8
_NO_VALUE = "#c8c8c8"


@figure(table="gradients", order=25, chapter="Speed of learning")
def speed_by_layer_and_epoch(source: Source) -> Drawing:
    """log10 of the speed of learning by layer and measured step, for every activation and initializer."""
    depth = int(source.read(["depth"])["depth"].max())
    scope = source.scope("activation", "initializer", depth=depth)
    rows = scope.read(["activation", "initializer", "layer", "step", "epoch", SPEED])
    activations, initializers = source.levels["activation"], source.levels["initializer"]
    maps = flow_maps(rows)
    title = f"How the gradient flows through {counted(depth, 'hidden layer')}"
    norm = _norm(np.concatenate([flow.to_numpy().ravel() for flow in maps.values()]))
    if norm is None:
        return nothing(scope, title, NO_SPEED)
    sheet = Sheet(scope, title, _height(activations))
    axes = sheet.body.subplots(len(activations), len(initializers), squeeze=False)
    colors = colormaps["viridis"].with_extremes(bad=_NO_VALUE)
    for (row, column), axis in np.ndenumerate(axes):
        _flow(axis, maps.get((activations[row], initializers[column])), colors, norm)
    _name_cells(axes, activations, initializers)
    _ticks(axes, depth, rows.groupby("step")["epoch"].first())
    panels.axis_labels(sheet.body, "epoch (not to scale: log-spaced steps within the first one)", "layer")
    _color_bar(sheet.body, axes, ScalarMappable(norm, colors))
    return sheet.drawing(
        caption=f"Each small map is one cell of depth {depth}: layers from the input (below) to the output "
        "(above), measured steps from initialization (left) to the end of training (right). The colour is "
        f"log10 of the speed of learning, median over {source.over_seeds}; grey: all seeds have "
        f"diverged. A map that darkens downwards shows a vanishing gradient. {_recovery(maps, depth)}",
        alt=f"Small heat maps for {counted(len(activations), 'activation')} by "
        f"{counted(len(initializers), 'initializer')}: log10 speed of learning by layer and step.",
        units={"step": "steps", "layer": "layer", "log10 speed of learning": "decades"},
    )


def _height(activations: list[str]) -> float:
    return max(_ROW_HEIGHT * len(activations) + _AROUND_PANELS, _LEAST_HEIGHT)


def flow_maps(rows: pd.DataFrame) -> dict[tuple[str, str], pd.DataFrame]:
    """log10 of the median speed over the seeds as [layer, step], by activation and initializer.

    A speed of zero gives −∞, which is drawn like the slowest; NaN stays where no seed has a finite speed.
    """
    speeds = rows.groupby(["activation", "initializer", "layer", "step"])[SPEED].median()
    with np.errstate(divide="ignore"):
        decades = np.log10(speeds)
    return {key: flow.droplevel([0, 1]).unstack("step") for key, flow in decades.groupby(level=[0, 1])}


def _norm(decades: np.ndarray) -> Normalize | None:
    """Colour limits around the finite values; None if there are none.

    Where these span more than ``_MOST_DECADES``, the most extreme 10 % may lie outside; never more decades.
    """
    finite = decades[np.isfinite(decades)]
    if finite.size == 0:
        return None
    if np.ptp(finite) > _MOST_DECADES:
        finite = np.quantile(finite, [0.05, 0.95])
    low, high = finite.min(), finite.max()
    return Normalize(max(low, high - _MOST_DECADES), max(high, low + 1))


def _flow(axes: Axes, flow: pd.DataFrame | None, colors: Colormap, norm: Normalize) -> None:
    """One map; −∞, the logarithm of zero, takes the lowest colour instead of that of a missing value."""
    if flow is None:
        panels.cross(axes)
    else:
        visible = flow.clip(lower=norm.vmin)
        axes.imshow(visible, cmap=colors, norm=norm, aspect="auto", origin="lower", interpolation="none")
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(False)


def _name_cells(axes: np.ndarray, activations: list[str], initializers: list[str]) -> None:
    """Activations on the left, initializers on top, upright if they are too long to lie."""
    lying = [broken(name).replace("_", "\n", 1) for name in initializers]
    longest = max(len(line) for name in lying for line in name.split("\n"))
    fits = longest * 0.072 < (WIDTH - _LEFT_AND_RIGHT) / len(lying)
    for axis, name in zip(axes[0], lying if fits else initializers, strict=True):
        axis.set_title(name, fontsize=SMALL, fontweight="bold", rotation=0 if fits else 90)
    for axis, name in zip(axes[:, 0], activations, strict=True):
        panels.name_row(axis, name)


def _ticks(axes: np.ndarray, depth: int, epochs: pd.Series) -> None:
    """First and output layer on the left; initialization, end of the first and of the last epoch below.

    Set here panel by panel: to share axes among a hundred takes matplotlib several seconds.
    """
    first_whole, last = int(np.argmin(np.abs(epochs.to_numpy() - 1))), len(epochs) - 1
    places = [0, first_whole, last] if last - first_whole > last / 4 else [0, last]
    for axis in axes[:, 0]:
        axis.set_yticks([0, depth], ["1", "out"])
    for axis in axes[-1]:
        axis.set_xticks(places, [f"{epochs.iloc[place]:.2g}" for place in places])


def _color_bar(body: SubFigure, axes: np.ndarray, mappable: ScalarMappable) -> None:
    bar = body.colorbar(mappable, ax=axes, extend="both", aspect=40, pad=0.01, fraction=0.03)
    bar.set_label("log10 speed of learning\n(decades)", fontsize=TEXT)
    bar.outline.set_visible(False)


def _recovery(maps: dict[tuple[str, str], pd.DataFrame], depth: int) -> str:
    """How many cells vanish by 10 times or more at initialization and no longer at the end, in a sentence."""
    if depth == 1:
        return ""
    gap = pd.DataFrame({key: flow.loc[depth] - flow.loc[1] for key, flow in maps.items()})
    vanished = gap.iloc[0] >= 1
    recovered = vanished & (gap.iloc[-1] < 1)
    return (
        f"In {vanished.sum():,} of {counted(len(maps), 'cell')} the last hidden layer starts at least 10 "
        f"times as fast as the first; in {recovered.sum():,} of these it no longer is at the end."
    )
