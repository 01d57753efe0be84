"""The gains of the activations: what weights are multiplied by so that one size or another is kept."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from gradgrid.core.figures import figure
from gradgrid.core.numbers import counted, listed
from gradgrid.figures import panels
from gradgrid.figures.levels import ordered
from gradgrid.figures.sheet import Drawing, Sheet
from gradgrid.figures.source import Source
from gradgrid.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE

_GAINS = {
    "second_moment_gain": ("keeps the size forward: 1/√E[f(x)²]", BLUE, "o"),
    "backward_gain": ("keeps the gradient's size backward: 1/√E[f′(x)²]", ORANGE, "s"),
    "deviation_gain": ("keeps the deviation: std(x)/std(f(x))", GREEN, "^"),
    "torch_gain": ("PyTorch's calculate_gain", BLACK, "x"),
}
_ROW_HEIGHT, _AROUND = 0.27, 1.3
_TICKS = (0.5, 0.7, 1, 1.5, 2, 3, 4, 5, 7, 10)
_SAME = 0.01


@figure(table="laboratory/gains", order=660, chapter="The laboratory")
def laboratory_gains(source: Source) -> Drawing:
    """The gains of every activation: forward, backward, of the deviation, and PyTorch's."""
    gains = source.read(["activation", *_GAINS]).set_index("activation").astype(np.float64)
    gains = gains.loc[ordered("activation", gains.index)]
    scope = source.stated("x standard normal", "weights of variance gain²/fan-in")
    sheet = Sheet(scope, "Four answers to how large weights should be", _ROW_HEIGHT * len(gains) + _AROUND)
    axes = sheet.body.subplots()
    for name, (label, color, marker) in _GAINS.items():
        axes.plot(gains[name], range(len(gains)), marker, color=color, label=label, markersize=7, fillstyle="none",
                  markeredgewidth=1.6)  # fmt: skip
    axes.axvline(1, color=GREY, linewidth=0.9)
    _axis(axes, gains)
    panels.legend(sheet.body, axes.lines[: len(_GAINS)])
    return sheet.drawing(
        caption=f"One row an activation. {_same(gains)}{_torch(gains)}",
        alt=f"Dots on a log scale: the four gains of {counted(len(gains), 'activation')}.",
        units={"gain": "1"},
    )


def _axis(axes: Axes, gains: pd.DataFrame) -> None:
    axes.set_xscale("log")
    low, high = 0.9 * min(gains.min().min(), 1), 1.1 * max(gains.max().max(), 1)
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlim=(low, high), xlabel="gain (log scale)")
    axes.set_yticks(range(len(gains)), gains.index)
    axes.set_ylim(len(gains) - 0.5, -0.5)


def _same(gains: pd.DataFrame) -> str:
    """The activations with which one gain keeps signal and gradient, in a sentence with a space after it."""
    apart = np.abs(np.log(gains["backward_gain"] / gains["second_moment_gain"]))
    same = apart[apart < _SAME].index.tolist()
    named = f"only for {listed(same)}" if same else "for none of them"
    farthest = gains.loc[apart.idxmax()]
    return (
        f"One gain keeps signal and gradient (to 1 %) {named}; the two are farthest apart for {apart.idxmax()}, "
        f"{farthest['second_moment_gain']:.2f} forward and {farthest['backward_gain']:.2f} backward. "
    )


def _torch(gains: pd.DataFrame) -> str:
    """Where PyTorch's gain is farthest from what keeps the size forward, in a sentence."""
    apart = np.abs(np.log(gains["torch_gain"] / gains["second_moment_gain"])).dropna()
    if apart.empty:
        return "PyTorch has a gain for none of them."
    row = gains.loc[apart.idxmax()]
    return (
        f"PyTorch has a gain for {len(apart):,} of {len(gains):,}; it is farthest from what keeps the size forward for "
        f"{apart.idxmax()}: {row['torch_gain']:.3f} against {row['second_moment_gain']:.3f}."
    )
