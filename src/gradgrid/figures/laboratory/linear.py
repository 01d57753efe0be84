"""Deep linear networks: vanishing and exploding as the powers of one number."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted, listed
from gradgrid.figures import panels
from gradgrid.figures.laboratory import lines
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source
from gradgrid.figures.style import BLACK

_KINDS = {"scaled_identity": "W = c I", "gaussian": "W Gaussian, Var(W) = g²/width"}
_MEASURES = {"activation_std": "activations", "gradient_std": "gradient"}
_EXPECTED = {"activation_std": "expected_std", "gradient_std": "expected_gradient_std"}
_DOTS = 10
"""Layers at which the power itself is drawn, about."""


@figure(table="laboratory/linear", order=610, chapter="The laboratory")
def laboratory_linear(source: Source) -> Drawing:
    """Size of activations and gradient by layer of deep linear networks, for every size of the weights."""
    columns = [
        "kind",
        "precision",
        "scale",
        "seed",
        "layer",
        "in_range_until",
        *_EXPECTED,
        *_EXPECTED.values(),
    ]
    rows = source.read(columns)
    exact, depth = rows[rows["precision"] == "float64"], rows["layer"].max()
    colors = lines.around_one(exact["scale"].unique().tolist())
    facts = (counted(source.seeds, "seed"), counted(depth, "layer"), "no biases", "float64 arithmetic")
    scope, title = source.stated(*facts), "Vanishing and exploding in their purest form: linear networks"
    limits = lines.whole_decades(exact[list(_MEASURES)].to_numpy())
    if limits is None:
        return nothing(scope, title, "No layer has finite activations: there is nothing to draw.")
    sheet = Sheet(scope, title, height=5.2)
    grid = panels.grid(sheet.body, list(_MEASURES.values()), list(_KINDS.values()))
    for (row, column), axes in np.ndenumerate(grid):
        _panel(axes, exact[exact["kind"] == list(_KINDS)[column]], list(_MEASURES)[row], colors, limits)
    panels.axis_labels(sheet.body, "layer, counted from the input", "standard deviation (log scale)")
    dots = Line2D([], [], color=BLACK, marker="o", markersize=3, linestyle="none", label="the power itself")
    panels.legend(sheet.body, [*lines.handles(colors, "c or g"), dots])
    return sheet.drawing(
        caption="Lines are medians over the seeds, bands go from the smallest to the largest. Left, every layer "
        "multiplies by c: the lines are straight, activations change with the layer as cˡ, and the gradient changes "
        f"in the same way on its way back.{_spread(exact, depth)}{_ranges(rows)}",
        alt="Four line charts on a log scale against the layer: activations and gradient, for multiples of the "
        f"identity and for Gaussian weights, one line for each of {listed(f'{scale:g}' for scale in colors)}.",
        units={"layer": "layer", "standard deviation": "1"},
    )


def _panel(axes: Axes, rows: pd.DataFrame, measure: str, colors: dict, limits: panels.Limits) -> None:
    """One line a scale, with dots at c^l for about ten layers."""
    panels.log_axis(axes, limits)
    depth = rows["layer"].max()
    for scale, color in colors.items():
        of_scale = rows[rows["scale"] == scale]
        lines.band(axes, lines.over_seeds(of_scale, ["layer"], measure), limits, color, f"{scale:g}")
        power = of_scale.groupby("layer")[_EXPECTED[measure]].median()[:: -(-depth // _DOTS)]
        axes.plot(power.index, power.clip(*limits), "o", color=color, markersize=3, label=f"power {scale:g}")
    axes.set_xlim(0.5 - 0.01 * depth, 1.01 * depth + 0.5)


def _spread(rows: pd.DataFrame, depth: int) -> str:
    """How far the seeds of Gaussian weights are apart in the last layer, in a sentence after a space."""
    last = rows[(rows["kind"] == "gaussian") & (rows["layer"] == depth) & (rows["expected_std"] > 0)]
    ratio = last["activation_std"] / last["expected_std"]
    return (
        f" Right, random weights do the same in the mean square over many draws; single draws stray: in layer {depth} "
        f"activations lie between {ratio.min():.2f} and {ratio.max():.2f} times gˡ."
    )


def _ranges(rows: pd.DataFrame) -> str:
    """The layers until which the numbers of float32 suffice, in a sentence after a space."""
    single = rows[rows["precision"] == "float32"].groupby("scale")["in_range_until"].min().dropna()
    if single.empty:
        return ""
    said = listed(f"{scale:g}ˡ until layer {layer:,.0f}" for scale, layer in single.items())
    return f" The normal numbers of float32 hold {said}."
