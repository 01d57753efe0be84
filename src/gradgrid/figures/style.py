"""How the figures look: sizes, fonts and colours that tell the same thing in every figure.

Colours are those of Okabe and Ito (https://jfly.uni-koeln.de/color/), which people with a colour vision
deficiency tell apart; members of one family share a colour and differ in their dashes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import to_rgb

WIDTH = 11.0
"""Inches; 1,056 pixels in a browser, at which the fonts below have 10 to 15 pixels."""

PNG_DPI = 150

TITLE, TEXT, SMALL = 13, 9, 8
"""Font sizes in points."""

SETTINGS = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so that every machine draws the same
    "font.size": SMALL,
    "axes.titlesize": TEXT,
    "axes.labelsize": TEXT,
    "axes.titlepad": 4,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.visible": False,
    "ytick.minor.visible": False,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "hatch.linewidth": 0.6,
    "lines.linewidth": 1.3,
    "lines.solid_capstyle": "butt",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
}

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#7f7f7f"

SOLID, DASHED, DOTTED, DASH_DOT = (0, ()), (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2))
_DASHES = (SOLID, DASHED, DOTTED, DASH_DOT)

HOLE = {"facecolor": "white", "edgecolor": "#c4c4c4", "hatch": "xxx", "linewidth": 0.5}
"""A field or panel of which no run is there yet: blank and crossed."""

VERDICTS = {
    "healthy": "#2a7a3f",
    "vanishing": "#3a6ea8",
    "exploding": "#b8430f",
    "saturated": "#8a5a9e",
    "dead units": "#77706a",
    "diverged": "#a11d33",
    "never learned": "#8a7200",
}
"""Colours of the verdicts, the same as on the page (report/templates/style.css); a letter or hatch goes with each."""

_INITIALIZERS = {
    "normal": (VERMILLION, SOLID),
    "trunc_normal": (VERMILLION, DASH_DOT),
    "uniform": (VERMILLION, DASHED),
    "lecun_normal": (BLACK, SOLID),
    "torch_default": (BLACK, DASHED),
    "xavier_normal": (BLUE, SOLID),
    "xavier_uniform": (BLUE, DASHED),
    "kaiming_normal": (ORANGE, SOLID),
    "kaiming_uniform": (ORANGE, DASHED),
    "orthogonal": (GREEN, SOLID),
    "identity": (GREEN, DASHED),
    "sparse": (PURPLE, SOLID),
    "constant": (PURPLE, DOTTED),
    "lsuv": (SKY, SOLID),
}

_ACTIVATIONS = {
    "sigmoid": BLUE,
    "tanh": SKY,
    "relu": VERMILLION,
    "leaky_relu": ORANGE,
    "elu": GREEN,
    "gelu": PURPLE,
}
_HUES = (BLUE, SKY, VERMILLION, ORANGE, GREEN, PURPLE, BLACK)
_MARKERS = "osD^vPX*"


@dataclass(frozen=True)
class LineStyle:
    """Colour and dashes of a level's line."""

    color: str
    linestyle: tuple[float, tuple[float, ...]]


@dataclass(frozen=True)
class PointStyle:
    """Colour and marker of a level's points."""

    color: str
    marker: str


def initializer_lines(labels: Sequence[str]) -> dict[str, LineStyle]:
    """A line style for every initializer; one with parameters takes its family's colour and free dashes."""
    known = [label for label in labels if label in _INITIALIZERS]
    styles = {label: LineStyle(*_INITIALIZERS[label]) for label in known}
    for label in labels:
        if label not in styles:
            color = _INITIALIZERS.get(label.partition("(")[0], (GREY, SOLID))[0]
            styles[label] = LineStyle(color, _free_dashes(color, styles))
    return {label: styles[label] for label in labels}


def _free_dashes(color: str, styles: dict[str, LineStyle]) -> tuple[float, tuple[float, ...]]:
    """The dashes that the fewest lines of that colour have."""
    taken = [style.linestyle for style in styles.values() if style.color == color]
    return min(_DASHES, key=taken.count)


def activation_points(labels: Sequence[str]) -> dict[str, PointStyle]:
    """A point style for every activation, all different as long as there are markers."""
    styles: dict[str, PointStyle] = {}
    for place, label in enumerate(labels):
        color = _ACTIVATIONS.get(label.partition("(")[0], _HUES[place % len(_HUES)])
        taken = [style.marker for style in styles.values() if style.color == color]
        styles[label] = PointStyle(color, min(_MARKERS, key=taken.count))
    return styles


def legible_on(background: str | tuple) -> str:
    """Black or white, whichever contrasts more with the background (WCAG 2, relative luminance)."""
    channels = np.array(to_rgb(background))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return "black" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "white"


def broken(label: str) -> str:
    """A level's label with its parameters on a line of their own."""
    return label.replace("(", "\n(", 1)
