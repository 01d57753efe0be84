"""The matrix form of the gradient: how far each factor stretches or shrinks what passes through it."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted
from gradgrid.figures import panels
from gradgrid.figures.numbers import times
from gradgrid.figures.sheet import Drawing, Sheet
from gradgrid.figures.source import Source
from gradgrid.figures.style import BLUE, DASHED, DOTTED, GREY, ORANGE, SMALL, SOLID

_FACTORS = {
    "slopes": "slopes Σ′(zˡ)",
    "weights": "weights (wˡ⁺¹)ᵀ",
    "step": "one step Σ′(zˡ) (wˡ⁺¹)ᵀ",
    "product": "product of all steps back to l",
}
_STYLES = {"largest": (BLUE, SOLID, "o"), "median": (ORANGE, DASHED, "s")}
_LARGEST_SLOPE = 0.25


@figure(table="book/matrix", order=270, chapter="The book's chapter")
def book_matrix(source: Source) -> Drawing:
    """Singular values of the gradient's factors by layer, and of their product from the output back."""
    rows = source.read(["depth", "seed", "image", "layer", "factor", "singular_value"])
    *others, depth = sorted(rows["depth"].unique())
    rows = rows[(rows["depth"] == depth) & (rows["layer"] <= depth)]
    values = spectra(rows)
    left_out = f" (not shown: {', '.join(map(str, others))})" if others else ""
    facts = (
        f"depth {depth}{left_out}",
        counted(source.seeds, "seed"),
        counted(rows["image"].nunique(), "image"),
    )
    scope = source.stated(*facts, "before training")
    sheet = Sheet(scope, "The factors of the gradient, and their product", height=3.5)
    grid = sheet.body.subplots(1, len(_FACTORS), sharey=True)
    limits = panels.decade_limits(values.to_numpy())
    for axes, (factor, name) in zip(grid, _FACTORS.items(), strict=True):
        panels.log_axis(axes, limits)
        _panel(axes, values.loc[factor], limits)
        axes.set_title(name, fontweight="bold")
    _mark(grid[0], _LARGEST_SLOPE, "1/4")
    panels.axis_labels(sheet.body, "hidden layer l", "singular value (log scale)")
    panels.legend(sheet.body, [_handle(name) for name in _STYLES])
    return sheet.drawing(
        caption=_caption(values),
        alt="Four line charts on a log scale against the hidden layer, of the largest and the median singular value: "
        "of the slopes, of the weights, of one step, and of the product of all steps."
        f"{_shrinking(values['largest', 'median'].loc['product'])}",
        units={"layer": "layer", "singular value": "1"},
    )


def spectra(rows: pd.DataFrame) -> pd.DataFrame:
    """The largest and the median singular value of every factor and layer: median, min and max over the networks.

    The columns are pairs such as ``("largest", "min")``.
    """
    network = ["factor", "layer", "seed", "image"]
    of_network = rows.groupby(network)["singular_value"].agg(largest="max", median="median")
    return of_network.groupby(["factor", "layer"]).agg(["median", "min", "max"])


def _panel(axes: Axes, values: pd.DataFrame, limits: panels.Limits) -> None:
    """A line and a band for the largest and for the median singular value."""
    for name, (color, dashes, marker) in _STYLES.items():
        over = values[name].clip(*limits)
        axes.fill_between(over.index, over["min"], over["max"], color=color, alpha=0.2, linewidth=0)
        style = {"color": color, "linestyle": dashes, "marker": marker, "markersize": 4}
        axes.plot(over.index, over["median"], **style, label=name)
    axes.axhline(1, color=GREY, linewidth=0.9)
    depth = len(values)
    axes.set_xticks(range(1, depth + 1, -(-depth // 9)))
    axes.set_xlim(0.6, depth + 0.4)


def _mark(axes: Axes, height: float, name: str) -> None:
    axes.axhline(height, color=GREY, linestyle=DOTTED)
    axes.text(axes.get_xlim()[1], height, name, ha="right", va="bottom", fontsize=SMALL)


def _handle(name: str) -> Line2D:
    color, dashes, marker = _STYLES[name]
    return Line2D(
        [], [], color=color, linestyle=dashes, marker=marker, markersize=4, label=f"{name} singular value"
    )


def _caption(values: pd.DataFrame) -> str:
    largest = values["largest"]
    slopes, weights, steps = (largest.loc[factor] for factor in ("slopes", "weights", "step"))
    return (
        "Lines are medians over seeds and images, bands go from the smallest to the largest. The largest singular "
        "value says how far a factor can stretch what passes back through it. The largest slope of all is "
        f"{slopes['max'].max():.3f}; the weights stretch by up to {weights['max'].max():.2g}, a whole step by "
        f"{_span(steps['median'])} (medians by layer).{_shrinking(largest['median'].loc['product'])}"
    )


def _span(numbers: pd.Series) -> str:
    ends = (f"{numbers.min():.2g}", f"{numbers.max():.2g}")
    return ends[0] if ends[0] == ends[1] else " to ".join(ends)


def _shrinking(product: pd.Series) -> str:
    """How the product's largest singular value changes with the layer; empty if there is one hidden layer."""
    depth = len(product)
    if depth == 1:
        return ""
    whole = product[1] / product[depth]
    return (
        f" The product's is {product[depth]:.2g} at layer {depth} and 1/{1 / whole:,.0f} of that at layer 1: "
        f"{times(whole ** (1 / (depth - 1)))} as much with every layer further back."
    )
