"""For the tests of the figures: draw one, find its panels and lines, find texts that run into each other."""

import re
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import synthetic
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from gradgrid.core.figures import figures
from gradgrid.figures.draw import drawing, settle
from gradgrid.figures.source import Source
from gradgrid.figures.style import SETTINGS

NAMES = [name for name, spec in figures().items() if spec.part == "grid"]
NOTICE = "MNIST could not be had (no network): this grid was trained on the embedded digits instead."
ALL_ACTIVATIONS = (
    "identity", "sigmoid", "tanh", "relu", "leaky_relu", "leaky_relu(negative_slope=0.3)", "elu", "selu",
    "gelu", "silu", "softplus", "softsign", "hardtanh",
)  # fmt: skip
ALL_INITIALIZERS = (
    *synthetic.INITIALIZERS,
    "trunc_normal",
    "torch_default",
    "normal(std=0.05)",
    "orthogonal(gain=2)",
)


def drawn(folder, name, notice=None):
    """The drawing of a figure, laid out."""
    spec = figures()[name]
    with matplotlib.rc_context(SETTINGS):
        made = drawing(spec, Source(folder, Path(spec.file).stem, notice))
        settle(made.figure)
    return made


def axes_of(made):
    """All axes of a drawing, in drawing order."""
    return made.figure.findobj(Axes)


def panels(figure, heading=None):
    """The axes with a title, in drawing order, or those with this one."""
    titled = [axes for axes in figure.findobj(Axes) if axes.get_title()]
    return [axes for axes in titled if heading in (None, axes.get_title())]


def line(axes, label):
    """The line with a label."""
    return next(line for line in axes.lines if line.get_label() == label)


@dataclass(frozen=True)
class Box:
    """A text as it was drawn, with its bounding box in pixels."""

    text: str
    box: np.ndarray


def texts_drawn(figure, monkeypatch):
    """Every text that is really drawn, and where."""
    found = []
    original = Text.draw

    def spy(self, renderer, *arguments, **keywords):
        if self.get_visible() and self.get_text().strip():
            found.append(Box(self.get_text(), self.get_window_extent(renderer).extents))
        return original(self, renderer, *arguments, **keywords)

    monkeypatch.setattr(Text, "draw", spy)
    with matplotlib.rc_context(SETTINGS):
        FigureCanvasAgg(figure).draw()
    monkeypatch.undo()
    return found


def collisions(texts, slack=1.0):
    """Pairs of texts of which the boxes overlap by more than ``slack`` pixels both ways."""
    boxes = np.array([text.box for text in texts])
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    overlap = np.minimum(high, boxes[None, :, 2:]) - np.maximum(low, boxes[None, :, :2])
    pairs = np.argwhere(np.triu((overlap > slack).all(-1), k=1))
    return [(texts[i].text, texts[j].text) for i, j in pairs]


def assert_legible(made, monkeypatch):
    """No text runs into another or out of the picture, no missing number is said and no sentence ends twice."""
    texts = texts_drawn(made.figure, monkeypatch)
    assert not collisions(texts)
    width, height = made.figure.bbox.size
    outside = [
        t.text for t in texts if (t.box[:2] < -1).any() or t.box[2] > width + 1 or t.box[3] > height + 1
    ]
    assert not outside
    assert not re.search(r"\bnan\b|\.\.|  ", f"{made.title} {made.caption} {made.alt} {made.shown}")


def telling(kinds, *names):
    """Parameters for a test of all kinds of settings, of which those not named are tried by the slow tests alone."""
    return [kind if kind in names else pytest.param(kind, marks=pytest.mark.slow) for kind in kinds]
