"""The figures as the page holds them: inlined pictures in chapters."""

import gzip
import re
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from gradgrid.core.errors import GradgridError
from gradgrid.core.sidecars import Sidecar

SHARP_BYTES = 600_000
"""An SVG up to this size is taken even where its PNG is lighter: it stays sharp at any size and on paper."""


@dataclass(frozen=True)
class Picture:
    """A figure with its description and the picture itself as a ``data:`` address.

    ``csv`` is what it was drawn from, ``svg`` the drawing where the picture is a PNG: as base64 of gzip, to be saved.
    """

    sidecar: Sidecar
    address: str
    csv: str
    svg: str

    @classmethod
    def of(cls, sidecar: Sidecar, path: Path) -> "Picture":
        """The figure whose files are PATH.svg, PATH.png and PATH.csv."""
        shown = address(path)
        svg = "" if shown.startswith("data:image/svg") else _packed(path.with_name(f"{path.name}.svg"))
        return cls(sidecar, shown, _packed(path.with_name(f"{path.name}.csv")), svg)

    @property
    def units(self) -> str:
        """Axes and their units in one line: ``layer (layer), speed of learning (1)``."""
        return ", ".join(f"{axis} [{unit}]" for axis, unit in self.sidecar.units.items())


@dataclass(frozen=True)
class Chapter:
    """Figures under one heading; ``anchor`` is its address in the page."""

    title: str
    anchor: str
    pictures: tuple[Picture, ...]


def chapters(figures: Iterable[tuple[Sidecar, Path]]) -> tuple[Chapter, ...]:
    """The figures by chapter; a chapter stands where its first figure stands, figures keep their order."""
    figures = list(figures)
    first = {}
    for place, (sidecar, _) in enumerate(figures):
        first.setdefault(sidecar.chapter, place)
    ordered = sorted(figures, key=lambda figure: first[figure[0].chapter])
    return tuple(
        Chapter(title, anchor(title), tuple(Picture.of(sidecar, path) for sidecar, path in group))
        for title, group in groupby(ordered, key=lambda figure: figure[0].chapter)
    )


def anchor(title: str) -> str:
    """A heading's address in the page: ``speed-of-learning``."""
    return re.sub(r"[^\w]+", "-", title.lower()).strip("-") or "chapter"


def address(path: Path) -> str:
    """The lighter of PATH.svg and PATH.png as a ``data:`` address; a small SVG is preferred in any case."""
    svg, png = (_bytes(path.with_name(path.name + suffix)) for suffix in (".svg", ".png"))
    if len(svg) <= max(len(png), SHARP_BYTES):
        return f"data:image/svg+xml;base64,{b64encode(svg).decode()}"
    return f"data:image/png;base64,{b64encode(png).decode()}"


def _packed(path: Path) -> str:
    return b64encode(gzip.compress(_bytes(path), mtime=0)).decode()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise GradgridError(f"{path}: cannot be read ({error}); draw the figure again") from error
