"""Signal and gradient through untrained networks, layer by layer: small multiples by activation."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted
from gradgrid.figures import panels
from gradgrid.figures.levels import ordered
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source
from gradgrid.figures.style import GREY, TEXT, LineStyle, broken, initializer_lines

_PAIR = ["activation", "initializer"]
_ACROSS, _ROW_HEIGHT, _AROUND, _LEAST = 4, 1.45, 1.2, 3.2
_SMALLEST, _LARGEST = 1e-6, 1e6
"""What lies beyond is drawn on the axis' edge: there the signal has vanished or exploded."""
_UNIT = "1 (standard deviation over inputs and neurons)"
_NOTHING = "No layer has finite activations: there is nothing to draw."


@figure(table="laboratory/propagation", order=620, chapter="The laboratory")
def laboratory_activations(source: Source) -> Drawing:
    """Standard deviation of the activations by layer of untrained networks, for every activation and initializer."""
    return _by_layer(
        source,
        "activation_std",
        "How far a signal gets through an untrained network",
        "standard deviation of the activations (log scale)",
        "layer, counted from the input",
        "last",
    )


@figure(table="laboratory/propagation", order=630, chapter="The laboratory")
def laboratory_gradients(source: Source) -> Drawing:
    """Standard deviation of the gradient by layer of untrained networks, for every activation and initializer."""
    return _by_layer(
        source,
        "gradient_std",
        "How far a gradient gets back through an untrained network",
        "standard deviation of the gradient (log scale)",
        "layer; the gradient starts at the last one, on the right",
        "first",
    )


def _by_layer(source: Source, measure: str, title: str, y: str, x: str, end: str) -> Drawing:
    width = int(source.read(["width"])["width"].max())
    rows = source.read([*_PAIR, "seed", "layer", measure, "nonfinite"], width=width)
    depth, seeds = rows["layer"].max(), counted(source.seeds, "seed")
    scope = source.stated(
        seeds, f"width {width}", counted(depth, "layer"), "no biases, standard-normal inputs"
    )
    medians = rows.groupby([*_PAIR, "layer"])[measure].median().unstack("layer")
    limits = panels.decade_limits(medians.clip(_SMALLEST, _LARGEST).to_numpy())
    if limits is None:
        return nothing(scope, title, _NOTHING)
    activations, styles = (ordered(name, rows[name].unique()) for name in _PAIR)
    styles = initializer_lines(styles)
    shape = (-(-len(activations) // _ACROSS), min(_ACROSS, len(activations)))
    sheet = Sheet(scope, title, max(_ROW_HEIGHT * shape[0] + _AROUND, _LEAST))
    grid = sheet.body.subplots(*shape, squeeze=False, sharex=True, sharey=True)
    for axes, activation in zip(grid.flat, activations, strict=False):
        _panel(axes, medians.loc[activation], styles, limits)
        axes.set_title(broken(activation), fontsize=TEXT, fontweight="bold")
    for axes in grid.flat[len(activations) :]:
        axes.set_visible(False)
    panels.axis_labels(sheet.body, x, y)
    panels.legend(sheet.body, [Line2D([], [], **vars(style), label=name) for name, style in styles.items()])
    return sheet.drawing(
        caption=f"Each line is the median over {seeds}; it ends where activations overflow; lines that "
        "coincide hide one another. What lies beyond the axis, "
        f"zeros included, is drawn on its edge. {_ends(rows, measure, 1 if end == 'first' else depth, end)}",
        alt=f"Line charts on a log scale against the layer, one for each of {counted(len(activations), 'activation')}, "
        f"with one line for each of {counted(len(styles), 'initializer')}.",
        units={"layer": "layer", "standard deviation": _UNIT},
    )


def _panel(axes: Axes, medians: pd.DataFrame, styles: dict[str, LineStyle], limits: panels.Limits) -> None:
    """One line an initializer."""
    panels.log_axis(axes, limits)
    axes.axhline(1, color=GREY, linewidth=0.8)
    for initializer in [name for name in styles if name in medians.index]:
        line = medians.loc[initializer]
        marker = "" if line.notna().sum() > 1 else "o"
        axes.plot(
            line.index, line.clip(*limits), **vars(styles[initializer]), marker=marker, label=initializer
        )
    depth = medians.columns.max()
    axes.set_xlim(0.5 - 0.01 * depth, 1.01 * depth + 0.5)


def _ends(rows: pd.DataFrame, measure: str, layer: int, name: str) -> str:
    """In how many pairs the measure stays near 1, vanishes or explodes until the layer, in a sentence."""
    at = rows[rows["layer"] == layer].groupby(_PAIR)[measure].median()
    gone = rows.groupby(_PAIR)["nonfinite"].any()
    finite = at[np.isfinite(at) & ~gone]
    near = ((finite >= 0.1) & (finite <= 10)).sum()
    return (
        f"In the {name} layer it lies between 0.1 and 10 for {near:,} of {counted(len(at), 'pair')} of activation and "
        f"initializer; for {(finite < _SMALLEST).sum():,} it is below 10⁻⁶, for {(finite > _LARGEST).sum():,} above "
        f"10⁶, and in {gone.sum():,} activations overflow."
    )
