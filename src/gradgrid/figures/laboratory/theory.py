"""Mean-field theory beside measurement: the factor by which a layer multiplies the gradient."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gradgrid.core.datasets import TITLES
from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted
from gradgrid.figures import panels
from gradgrid.figures.levels import ordered
from gradgrid.figures.numbers import percent
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source
from gradgrid.figures.style import GREY, TEXT, PointStyle, activation_points

_COLUMNS = [
    "inputs",
    "width",
    "activation",
    "initializer",
    "sigma_w2",
    "factor_predicted",
    "factor_measured",
    "low",
    "high",
]
_NORMAL = "standard_normal"
_LARGE = 10.0
"""A sigma_w2 above saturates bounded activations, and theory of infinite width holds less well."""


@figure(table="laboratory/theory", order=670, chapter="The laboratory")
def laboratory_theory(source: Source) -> Drawing:
    """The gradient's factor a layer, measured against predicted by mean-field theory."""
    title, columns = "Theory beside measurement: what a layer multiplies the gradient by", _COLUMNS
    rows = source.read(columns).dropna(subset=["factor_predicted", "factor_measured"])
    rows = rows[(rows[["factor_predicted", "factor_measured"]] > 0).all(axis=1)]
    scope = source.stated(
        "untrained networks", "factor of the gradient's size from one layer to the one before"
    )
    if rows.empty:
        return nothing(
            scope, title, "No pair of activation and initializer has both a prediction and a measurement."
        )
    shown = _panels(rows)
    styles = activation_points(ordered("activation", rows["activation"].unique()))
    sheet = Sheet(scope, title, height=4.6)
    for axes, (heading, part) in zip(
        sheet.body.subplots(1, len(shown), squeeze=False)[0], shown.items(), strict=True
    ):
        _points(axes, part, styles)
        axes.set_title(heading, fontsize=TEXT, fontweight="bold")
    panels.axis_labels(
        sheet.body, "predicted factor a layer (log scale)", "measured factor a layer (log scale)"
    )
    panels.legend(sheet.body, [_handle(name, style) for name, style in styles.items()])
    return sheet.drawing(
        caption="Each point is an activation with an initializer, its line the 95 % interval; on the diagonal theory "
        "is right. Below 1 gradients vanish, above they explode. Initializers whose weights are not independent draws "
        f"have no theory here. {' '.join(_difference(heading, part) for heading, part in shown.items())}",
        alt="Scatter plots on log scales with the diagonal: measured against predicted factor, one marker for each of "
        f"{counted(len(styles), 'activation')}.",
        units={"predicted factor": "1", "measured factor": "1"},
    )


def _panels(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of the widest networks with standard-normal inputs, and of those with the grid's images."""
    found = {}
    for inputs, part in sorted(rows.groupby("inputs"), key=lambda item: item[0] != _NORMAL):
        width = part["width"].max()
        name = (
            "standard-normal inputs" if inputs == _NORMAL else f"{TITLES.get(inputs, inputs)}, as in the grid"
        )
        found[f"width {width}, {name}"] = part[part["width"] == width]
    return found


def _points(axes: Axes, rows: pd.DataFrame, styles: dict[str, PointStyle]) -> None:
    """Points with their intervals, and the diagonal."""
    factors = rows[["factor_predicted", "factor_measured"]].to_numpy()
    limits = 0.8 * min(factors.min(), 0.9), 1.25 * max(factors.max(), 1.1)
    axes.plot(limits, limits, color=GREY, linewidth=0.9, label="diagonal")
    for activation, part in rows.groupby("activation"):
        color, marker = styles[activation].color, styles[activation].marker
        axes.vlines(part["factor_predicted"], part["low"], part["high"], color=color, linewidth=0.8)
        style = {"color": color, "marker": marker, "linestyle": "none", "fillstyle": "none", "markersize": 6}
        axes.plot(part["factor_predicted"], part["factor_measured"], **style, label=activation)
    axes.set(xscale="log", yscale="log", xlim=limits, ylim=limits)


def _handle(name: str, style: PointStyle) -> Line2D:
    look = {"linestyle": "none", "fillstyle": "none", "markersize": 6}
    return Line2D([], [], color=style.color, marker=style.marker, label=name, **look)


def _difference(heading: str, rows: pd.DataFrame) -> str:
    """The median and the largest relative difference, in a sentence."""
    difference = (rows["factor_measured"] / rows["factor_predicted"] - 1).abs()
    small = rows["sigma_w2"] <= _LARGE
    head = f"With {heading}, measurement and theory differ by {percent(difference.median())} (median)"
    if not small.any():
        return f"{head}."
    most = rows.loc[difference[small].idxmax()]
    return (
        f"{head} and, where σ_w² is at most {_LARGE:g}, by at most {percent(difference[small].max())} "
        f"({most['activation']} with {most['initializer']})."
    )
