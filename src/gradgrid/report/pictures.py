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


@dataclass(frozen=True)
class Picture:
    """A figure with its description; the drawing ``svg`` and what it was drawn from, ``csv``, as base64 of gzip.

    Packed, a drawing takes a fifth of the room; the page unpacks it.
    """

    sidecar: Sidecar
    svg: str
    csv: str

    @classmethod
    def of(cls, sidecar: Sidecar, path: Path) -> "Picture":
        """The figure whose files are PATH.svg and PATH.csv."""
        return cls(sidecar, *(_packed(path.with_name(f"{path.name}.{kind}")) for kind in ("svg", "csv")))

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


def _packed(path: Path) -> str:
    try:
        return b64encode(gzip.compress(path.read_bytes(), mtime=0)).decode()
    except OSError as error:
        raise GradgridError(f"{path}: cannot be read ({error}); draw the figure again") from error
