"""The chain with one neuron a layer: the sigmoid's slope, and the factors by which the gradient shrinks."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted
from gradgrid.figures.numbers import percent
from gradgrid.figures.sheet import Drawing, Sheet
from gradgrid.figures.source import Source
from gradgrid.figures.style import BLACK, BLUE, DASHED, GREY, ORANGE, SMALL, VERMILLION

LARGEST_SLOPE = 0.25
"""Of the sigmoid: σ'(0)."""
_FACTOR, _RATIO = "|w σ′(z)|", "|dC/db₁| ÷ |dC/db₃|"
_EDGES = 4.0 ** np.arange(-8, 1.01, 0.25)
"""Of the bins: 1/16, 1/4 and 1 are among them."""


@figure(table="book/curves", order=265, chapter="The book's chapter")
def book_chain_slope(source: Source) -> Drawing:
    """The sigmoid's slope σ'(z), which is largest at 0."""
    curve = source.read(["x", "y"], curve="sigmoid_slope")
    top = curve.loc[curve["y"].idxmax()]
    half = curve.loc[curve["y"] >= top["y"] / 2, "x"].abs().max()
    last = curve.loc[curve["x"].idxmax()]
    sheet = Sheet(source.stated("σ(z) = 1 / (1 + e⁻ᶻ)"), "The slope of the sigmoid", height=2.7)
    axes = sheet.body.subplots()
    axes.plot(curve["x"], curve["y"], color=BLUE, label="slope")
    axes.axhline(LARGEST_SLOPE, color=GREY, linestyle=DASHED)
    axes.plot([top["x"]], [top["y"]], "o", color=BLUE, label="largest")
    axes.text(top["x"], LARGEST_SLOPE + 0.006, "1/4", ha="center", va="bottom", fontsize=SMALL)
    axes.set(xlabel="weighted input z", ylabel="slope σ′(z)", ylim=(0, 1.12 * LARGEST_SLOPE))
    axes.set_xlim(curve["x"].min(), curve["x"].max())
    return sheet.drawing(
        caption=f"The slope is largest at z = {abs(top['x']):.3g}, where it is {top['y']:.4g}: with every layer that "
        "the gradient goes back through, it is multiplied by at most a quarter and by the weight. Beyond "
        f"|z| = {half:.2g} the slope is less than half of that, and at z = {last['x']:.3g} it is {last['y']:.2g}: a "
        "saturated neuron passes almost nothing back.",
        alt=f"A bell-shaped curve of the sigmoid's slope against z, with its largest value {top['y']:.4g} marked at "
        f"z = {abs(top['x']):.3g}.",
        units={"z": "1", "slope": "1"},
    )


@figure(table="book/chain", order=267, chapter="The book's chapter")
def book_chain_factor(source: Source) -> Drawing:
    """The factors |w σ'(z)| of random chains, and the ratio of a chain's first gradient to its third."""
    rows = source.read(["chain", "layer", "factor", "gradient"], kind="normal")
    factor, ratio = rows.loc[rows["layer"] > 1, "factor"].abs(), first_to_third(rows)
    chains, depth = counted(len(ratio), "chain"), rows["layer"].max()
    scope = source.stated(f"{chains} of {depth} neurons", "weights and biases N(0, 1)")
    sheet = Sheet(scope, "What a layer multiplies the gradient by in a chain of neurons", height=3.4)
    left, right = sheet.body.subplots(1, 2)
    _histogram(left, factor, LARGEST_SLOPE)
    left.set(xlabel=f"{_FACTOR} (log scale)", ylabel="% of the draws")
    _histogram(right, ratio, LARGEST_SLOPE**2)
    right.set(xlabel=f"{_RATIO} (log scale)", ylabel="% of the chains")
    below, smaller = _below(factor, LARGEST_SLOPE), _below(ratio, LARGEST_SLOPE**2)
    return sheet.drawing(
        caption=f"Left: the factor {_FACTOR} of every layer after the first. In {percent(below)} of the draws it is "
        f"below 1/4, the sigmoid's largest slope; its median is {factor.median():.2g}, and it reaches 1 in "
        f"{_reaching(factor)} draws. Right: between the first neuron's gradient and the third's lie two weights and "
        f"two slopes. The ratio is below 1/16 in {percent(smaller)} of the chains; its median is "
        f"1/{1 / ratio.median():.0f}, and it reaches 1 in {_reaching(ratio)} chains. What lies beyond the axis is "
        f"counted at its edge.{_exploding(source)}",
        alt=f"Two histograms on log axes: {_FACTOR}, below 1/4 in {percent(below)} of the draws, and {_RATIO}, below "
        f"1/16 in {percent(smaller)} of the chains.",
        units={"factor": "1", "ratio": "1", "share": "% of the draws, % of the chains"},
    )


def first_to_third(rows: pd.DataFrame) -> pd.Series:
    """|dC/db₁| ÷ |dC/db₃| of every chain."""
    gradient = rows.pivot(index="chain", columns="layer", values="gradient").abs()
    return gradient[1] / gradient[3]


def _below(values: pd.Series, mark: float) -> float:
    return float((values < mark).mean())


def _reaching(values: pd.Series) -> str:
    """How many are 1 or more, out of how many."""
    return f"{(values >= 1).sum():,} of {len(values):,}"


def _histogram(axes: Axes, values: pd.Series, mark: float) -> None:
    """Shares in bins that are equally wide on a log axis; the colour changes at the mark and at 1."""
    share = 100 * np.histogram(values.clip(_EDGES[0], _EDGES[-1]), _EDGES)[0] / len(values)
    fraction = f"1/{1 / mark:.0f}"
    first, second = np.searchsorted(_EDGES, [mark, 1])
    below, smaller = _below(values, mark), _below(values, 1)
    parts = {
        f"below {fraction}: {percent(below)}": (0, first, BLUE),
        f"{fraction} to 1: {percent(smaller - below)}": (first, second, ORANGE),
        f"1 or more: {_reaching(values)}": (second, len(share), VERMILLION),
    }
    for label, (start, end, color) in parts.items():
        axes.stairs(share[start:end], _EDGES[start : end + 1], fill=True, color=color, label=label)
    for place, said in ((mark, fraction), (1, "1")):
        axes.axvline(place, color=BLACK, linestyle=DASHED, linewidth=0.9)
        above = axes.get_xaxis_transform()
        axes.text(place, 1.01, said, ha="center", va="bottom", fontsize=SMALL, transform=above)
    axes.margins(y=0.3)
    axes.legend(loc="upper left")
    axes.set(xscale="log", xlim=(_EDGES[0], _EDGES[-1]))


def _exploding(source: Source) -> str:
    """What the chain with large weights does, in a sentence that begins with a space; empty if there is none."""
    rows = source.read(["chain", "layer", "weight", "factor", "gradient"], kind="exploding")
    if rows.empty:
        return ""
    factor, ratio = rows["factor"].abs().median(), first_to_third(rows).median()
    return (
        f" With weights of {rows['weight'].median():g} and z = 0 instead, every factor is {factor:.4g} and the ratio "
        f"{ratio:.4g}: the gradient explodes."
    )
