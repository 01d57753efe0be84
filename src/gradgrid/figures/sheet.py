"""The sheet that every figure is drawn on: a head with title, scope and notice, and the body below it."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.figure import Figure, SubFigure

from gradgrid.figures.source import Scope, Stated
from gradgrid.figures.style import SMALL, TEXT, TITLE, VERMILLION, WIDTH

MARGIN = 0.12
_TITLE_HEIGHT, _LINE_HEIGHT = 0.3, 0.18
_EMPTY_HEIGHT = 1.2
_CHARACTERS_A_LINE = 165
_HOLES = "a field, panel or row that is crossed out, and a line that is missing, has no run yet."


@dataclass(frozen=True)
class Drawing:
    """A figure with the words that belong to it; ``units`` has one entry an axis or colour scale."""

    figure: Figure
    title: str
    caption: str
    alt: str
    shown: str
    units: Mapping[str, str]
    notice: str | None


class Sheet:
    """A figure in the making, as wide as the page; ``body`` is where panels, legend and colour bars go."""

    def __init__(self, scope: Scope | Stated, title: str, height: float) -> None:
        """``height`` is the body's, in inches."""
        self._title, self._scope = title, scope
        lines = _wrapped(scope.words)
        warning = _wrapped(scope.source.notice or "")
        head = MARGIN + _TITLE_HEIGHT + _LINE_HEIGHT * (len(lines) + len(warning)) + (0.12 if warning else 0)
        self.figure = Figure(figsize=(WIDTH, head + height), layout="constrained")
        header, self.body = self.figure.subfigures(2, 1, height_ratios=[head, height])
        self.figure.get_layout_engine().set(
            w_pad=0.04, h_pad=0.04, wspace=0.02, hspace=0.02, rect=(0.008, 0, 0.984, 1)
        )
        self._write_head(header, head, lines, warning)

    def _write_head(self, header: SubFigure, height: float, lines: list[str], warning: list[str]) -> None:
        left, top = MARGIN / WIDTH, 1 - MARGIN / height
        header.text(left, top, self._title, fontsize=TITLE, fontweight="bold", va="top")
        top -= _TITLE_HEIGHT / height
        header.text(left, top, "\n".join(lines), fontsize=SMALL, color="#555555", va="top", linespacing=1.35)
        if warning:
            top -= (_LINE_HEIGHT * len(lines) + 0.06) / height
            box = {"facecolor": "#fff1e6", "edgecolor": VERMILLION, "linewidth": 0.8, "pad": 3}
            text = "\n".join(warning)
            header.text(
                left + 0.004,
                top,
                text,
                fontsize=SMALL,
                fontweight="bold",
                color="#8a3200",
                va="top",
                linespacing=1.35,
                bbox=box,
            )

    def drawing(self, *, caption: str, alt: str, units: Mapping[str, str]) -> Drawing:
        """The finished figure; a caption whose last sentence is empty ends with the one before."""
        source = self._scope.source
        holes = f" Partial: {source.part.words}; {_HOLES}" if source.part else ""
        caption = caption.rstrip() + holes
        return Drawing(self.figure, self._title, caption, alt, self._scope.words, units, source.notice)


def nothing(scope: Scope | Stated, title: str, reason: str) -> Drawing:
    """The figure of a grid that has nothing to show here: the reason in place of panels."""
    sheet = Sheet(scope, title, _EMPTY_HEIGHT)
    sheet.body.text(0.5, 0.5, textwrap.fill(reason, 110), ha="center", va="center", fontsize=TEXT + 1)
    return sheet.drawing(caption=reason, alt=f"No figure: {reason}", units={})


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _CHARACTERS_A_LINE)
