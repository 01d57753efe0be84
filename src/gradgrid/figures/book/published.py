"""The book's numbers as the figures show them: diamonds, grey and empty where they do not compare."""

from collections.abc import Iterable, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gradgrid.core.datasets import TITLES
from gradgrid.core.references import Reference, references
from gradgrid.figures.source import Source
from gradgrid.figures.style import BLACK, GREY

DATASET = "mnist"
EPOCHS = 30
"""The book's images, and its passes through them, after which it states an accuracy."""

_INITIALIZERS = {"default": "lecun_normal", "large": "normal"}
"""The book's words for the weights N(0, 1/n_in) and N(0, 1)."""


def accuracies() -> dict[int, float]:
    """Validation accuracy after 30 epochs by depth, as a fraction (chapter 5)."""
    return {int(depth): found.numbers[0] / 100 for depth, found in _family("book-accuracy-").items()}


def initializations() -> dict[tuple[int, str], dict[int, float]]:
    """Validation accuracy by epoch, as a fraction, for a width and an initializer (chapter 3)."""
    found = {tuple(rest.split("-")): reference for rest, reference in _family("book-init-").items()}
    return {
        (int(width), _INITIALIZERS[weights]): {1: first / 100, EPOCHS: last / 100}
        for (width, weights), reference in found.items()
        for first, last in [reference.numbers]
    }


def speeds(depth: int) -> pd.DataFrame:
    """Speed of learning [steps, hidden layers] with the sigmoid; empty for a depth without any (chapter 5)."""
    family = _family(f"book-speed-{depth}-epoch-")
    numbers = {int(step): found.numbers for step, found in family.items()}
    return pd.DataFrame.from_dict(numbers, orient="index", columns=range(1, depth + 1))


def _family(prefix: str) -> dict[str, Reference]:
    """The references of which the id begins so, by the rest of their id."""
    found = references().items()
    return {name.removeprefix(prefix): reference for name, reference in found if name.startswith(prefix)}


def objection(source: Source, epochs: int = EPOCHS) -> str:
    """Why the book's numbers do not compare with a table's, in a sentence with a space before it; else empty."""
    if source.dataset != DATASET:
        return f" The book's numbers, in grey, are of {TITLES[DATASET]} and do not compare."
    if epochs != EPOCHS:
        return f" The book's numbers, in grey, are of {EPOCHS} epochs and do not compare."
    return ""


def mark(axes: Axes, x: Sequence[float], y: Sequence[float], objection: str, color: str | tuple) -> None:
    """Points of the book, in the colour of the line or the dots that they belong to."""
    axes.plot(x, y, **_style(objection, color), label="_book", zorder=5)


def handles(points: Iterable[object], objection: str) -> list[Line2D]:
    """The legend's entry for the book's points; none where there are no points."""
    label = "the book (does not compare)" if objection else "the book, one run"
    return [Line2D([], [], **_style(objection, "white"), label=label)] if any(True for _ in points) else []


def _style(objection: str, color: str | tuple) -> dict[str, object]:
    edge, face = (GREY, "none") if objection else (BLACK, color)
    size = {"markersize": 6, "markeredgewidth": 1.1}
    return {"linestyle": "", "marker": "D", "markeredgecolor": edge, "markerfacecolor": face, **size}
