"""The chapter's problems: the width of a set of activations, the identity neuron, and a steeper sigmoid."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted, listed
from gradgrid.core.references import references
from gradgrid.figures import panels
from gradgrid.figures.numbers import percent, times
from gradgrid.figures.sheet import Drawing, Sheet, nothing
from gradgrid.figures.source import Source
from gradgrid.figures.speed import NO_SPEED
from gradgrid.figures.style import (
    BLACK,
    BLUE,
    DASHED,
    DOTTED,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    SMALL,
    SOLID,
    VERMILLION,
)

_ERRORS = {
    "identity_error_literal": ("w₂ σ(w₁x + b), best w₂ and b", ORANGE, DASHED),
    "identity_error_taylor": ("with a constant, w₂ = 4/w₁", BLUE, DOTTED),
    "identity_error_with_constant": ("with a constant, best w₂", BLUE, SOLID),
}
_LITERAL, _WITH_CONSTANT = "identity_error_literal", "identity_error_with_constant"
_BEST_LITERAL = "identity_neuron_literal"
_HUES, _MARKERS = (BLACK, BLUE, ORANGE, VERMILLION, GREEN, PURPLE, SKY), "osD^vPX*"


@figure(table="book/curves", order=275, chapter="The book's chapter")
def book_width_of_set(source: Source) -> Drawing:
    """How wide the set of activations is for which |w σ'(wa + b)| is 1 or more, by the weight."""
    curve = source.read(["x", "y"], curve="width_of_set").sort_values("x")
    top, least, last = curve.loc[curve["y"].idxmax()], curve["x"].min(), curve.iloc[-1]
    scope = source.stated("one sigmoid neuron, z = wa + b, with whichever bias b")
    sheet = Sheet(scope, "How many activations keep the gradient from shrinking", height=2.9)
    axes = sheet.body.subplots()
    axes.plot(curve["x"], curve["y"], color=BLUE, label="width")
    axes.plot([top["x"]], [top["y"]], "o", color=BLUE, label="widest")
    words = f"|w| = {top['x']:.1f}, width {top['y']:.2f}"
    axes.text(top["x"], 1.03 * top["y"], words, ha="center", va="bottom", fontsize=SMALL)
    _weight_axis(axes, least, last["x"])
    axes.set(ylabel="width of the set of activations", ylim=(0, 1.18 * top["y"]))
    book = [references()[f"identity-widest-{what}"].numbers[0] for what in ("set", "weight")]
    return sheet.drawing(
        caption="The width of the set of activations a with |w σ′(wa + b)| ≥ 1, for which a neuron does not shrink "
        f"the gradient. The set is empty below |w| = {least:.3g} and widest, {top['y']:.3f}, at |w| = {top['x']:.1f} "
        f"(the book: {book[0]:g} at {book[1]:g}). Even there it covers only {percent(top['y'])} of the range from 0 to "
        f"1 that activations have, and with |w| = {last['x']:.3g} only {percent(last['y'])}: a larger weight makes the "
        "slope small for almost every activation.",
        alt=f"A curve of the width against |w|: it begins at {least:.3g}, rises to {top['y']:.3f} at {top['x']:.1f} "
        "and falls from there.",
        units={"|w|": "1", "width": "1 (activations lie between 0 and 1)"},
    )


def _weight_axis(axes: Axes, least: float, largest: float) -> None:
    """A log axis of weights, with a little room below the least one, labelled at its doublings."""
    ticks = [least * 2**k for k in range(int(np.log2(largest / least)) + 1)]
    axes.set(xscale="log", xlim=(0.8 * least, largest), xlabel="|w| (log scale)")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())


@figure(table="book/curves", order=280, chapter="The book's chapter")
def book_identity_neuron(source: Source) -> Drawing:
    """The largest error of the identity neuron on [0, 1] by its weight, literally and with a constant."""
    rows = source.read(["curve", "x", "y"], curve=[*_ERRORS, _BEST_LITERAL]).sort_values("x")
    curves = {curve: rows[rows["curve"] == curve] for curve in (*_ERRORS, _BEST_LITERAL)}
    sheet = Sheet(
        source.stated("inputs x from 0 to 1"), "How closely one neuron can repeat its input", height=3.3
    )
    errors, output = sheet.body.subplots(1, 2, width_ratios=[1.9, 1])
    _error_lines(errors, curves)
    _output(output, curves[_BEST_LITERAL])
    literal, constant = curves[_LITERAL], curves[_WITH_CONSTANT]
    best, least = literal.loc[literal["y"].idxmin()], constant.loc[constant["y"].idxmin()]
    return sheet.drawing(
        caption="Left: the largest difference between the neuron's output and x. As the book writes the neuron, "
        f"w₂ σ(w₁x + b), it stays at {best['y']:.2g} or more, reached near w₁ = {best['x']:.2g}: σ is never 0, but the "
        "output for x = 0 should be (right: the best such neuron). With a constant that the next bias can add, the "
        f"error falls with the weight, over the smallest decade as w₁ to the power {order(constant):.2f}; at "
        f"w₁ = {least['x']:.2g} it is {times(best['y'] / least['y'])} smaller than the best without.",
        alt=f"Two log axes: the largest error against w₁. With a constant it falls in proportion to w₁ to the power "
        f"{order(constant):.2f} as w₁ becomes small; without, it has its least value {best['y']:.2g} near "
        f"w₁ = {best['x']:.2g}. Beside it the best neuron without a constant against x.",
        units={"w1": "1", "largest error": "1 (of an output that should be x)", "x": "1", "output": "1"},
    )


def order(curve: pd.DataFrame) -> float:
    """The order of an error: the least-squares slope of log y over log x in the smallest decade of x."""
    small = curve[curve["x"] <= 10 * curve["x"].min()]
    return float(np.polyfit(np.log(small["x"]), np.log(small["y"]), 1)[0])


def _error_lines(axes: Axes, curves: dict[str, pd.DataFrame]) -> None:
    shown = pd.concat([curves[curve] for curve in _ERRORS])
    panels.log_axis(axes, panels.decade_limits(shown["y"].to_numpy()))
    for curve, (label, color, dashes) in _ERRORS.items():
        axes.plot(curves[curve]["x"], curves[curve]["y"], color=color, linestyle=dashes, label=label)
    axes.set(xscale="log", xlim=(shown["x"].min(), shown["x"].max()))
    axes.set(xlabel="weight w₁ (log scale)", ylabel="largest error (log scale)")
    axes.legend(loc="lower right")


def _output(axes: Axes, neuron: pd.DataFrame) -> None:
    """The output of the best neuron without a constant, and what it should be."""
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=SOLID, label="x")
    axes.plot(neuron["x"], neuron["y"], color=ORANGE, linestyle=DASHED, label="w₂ σ(w₁x + b)")
    axes.set(xlabel="input x", ylabel="output", xlim=(0, 1), ylim=(min(0, neuron["y"].min()), None))
    axes.legend(loc="upper left")


@figure(table="book/steepness", order=285, chapter="The book's chapter")
def book_steepness(source: Source) -> Drawing:
    """Speed of learning by layer in untrained networks, for sigmoids of growing steepness."""
    rows = source.read(["steepness", "depth", "seed", "layer", "bias_gradient_norm"])
    depth = rows["depth"].max()
    by_layer = rows[rows["depth"] == depth].groupby(["steepness", "layer"])["bias_gradient_norm"]
    speeds = by_layer.agg(["median", "min", "max"])
    title, seeds = "What a steeper sigmoid does to the gradient", counted(source.seeds, "seed")
    scope = source.stated(seeds, f"depth {depth}", "before training")
    limits = panels.decade_limits(speeds.to_numpy())
    if limits is None:
        return nothing(scope, title, NO_SPEED)
    sheet = Sheet(scope, title, height=3.6)
    axes = sheet.body.subplots()
    panels.log_axis(axes, limits)
    panels.layer_ticks(axes, depth)
    _speed_lines(axes, speeds.clip(*limits))
    axes.set(
        xlabel="layer, counted from the input (out: output layer)",
        ylabel="speed of learning ‖dC/db‖ (log scale)",
    )
    panels.legend(sheet.body, axes.lines)
    return sheet.drawing(
        caption="Each line is a network with the activation σ(steepness · z), whose slope is at most a quarter of "
        f"the steepness: the median over {seeds}, the band from the smallest to the largest. {_gaps(speeds, depth)}"
        "What lies beyond the axis is drawn on its edge.",
        alt="Line chart on a log scale of the speed of learning against the layer, one line for the steepness "
        f"{listed(f'{level:g}' for level in speeds.index.unique('steepness'))}.",
        units={
            "layer": "layer",
            "speed of learning": "1 (Euclidean norm of the mean dC/db over the probe images)",
        },
    )


def _speed_lines(axes: Axes, speeds: pd.DataFrame) -> None:
    """A line and a band for every steepness."""
    for place, level in enumerate(speeds.index.unique("steepness")):
        color = _HUES[place % len(_HUES)]
        line = speeds.loc[level]
        axes.fill_between(line.index, line["min"], line["max"], color=color, alpha=0.13, linewidth=0)
        style = {"color": color, "marker": _MARKERS[place % len(_MARKERS)], "markersize": 4.5}
        label = f"steepness {level:g}, slope at most {level / 4:g}"
        axes.plot(line.index, line["median"], **style, label=label)


def _gaps(speeds: pd.DataFrame, depth: int) -> str:
    """Which of the first and the last hidden layer learns faster, and how much, in sentences that end with a space.

    Empty if there is one hidden layer; a steepness is left out where a layer does not learn at all.
    """
    median = speeds["median"].unstack()
    ratios = (median[depth] / median[1]) if depth > 1 else pd.Series(dtype=float)
    ratios = ratios[np.isfinite(ratios) & (ratios > 0)]
    return _faster("last", "first", ratios[ratios >= 1]) + _faster("first", "last", 1 / ratios[ratios < 1])


def _faster(fast: str, slow: str, ratios: pd.Series) -> str:
    if ratios.empty:
        return ""
    said = listed(f"{times(ratio)} at {level:g}" for level, ratio in ratios.items())
    return f"The {fast} hidden layer learns faster than the {slow}, by steepness: {said}. "
