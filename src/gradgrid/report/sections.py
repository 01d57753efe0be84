"""What chapters with sections share: figures under the headings where they belong, and tables with rows in groups."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from gradgrid.core.sidecars import Sidecar
from gradgrid.report.pictures import Picture

FURTHER = "Further figures"
"""The title over figures that belong to no section."""
Groups = Sequence[tuple[str, Sequence[Sequence[str]]]]
"""Titles, and the rows under each."""


@dataclass(frozen=True)
class Section:
    """A section of a chapter; ``anchor`` is its address in the page."""

    title: str
    anchor: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Table:
    """A table in the page: rows in groups, each under a title that stands in the first column.

    The first ``texts`` columns hold text, the others numbers, which are aligned to the right.
    """

    anchor: str
    caption: str
    headings: Sequence[str]
    texts: int
    groups: Groups


def sections(
    chapter: str, known: Mapping[str, tuple[str, Sequence[str]]], figures: Iterable[tuple[Sidecar, Path]]
) -> dict[str, Section]:
    """Every section with its pictures in the order of the figures; the last one, ``further``, only if it has any.

    ``known`` has of each section the title and the names of its figures; ``chapter`` begins the sections' anchors.
    """
    section_of = {name: section for section, (_, names) in known.items() for name in names}
    pictures = {section: [] for section in (*known, "further")}
    for sidecar, path in figures:
        pictures[section_of.get(sidecar.name, "further")].append(Picture.of(sidecar, path))
    titles = {section: title for section, (title, _) in known.items()}
    if pictures["further"]:
        titles["further"] = FURTHER
    return {
        name: Section(title, f"{chapter}-{name.replace('_', '-')}", tuple(pictures[name]))
        for name, title in titles.items()
    }


def grouped(rows: Iterable[tuple[str, list[str]]]) -> Groups:
    """Neighbouring rows with the same title as one group."""
    return [(title, [row for _, row in group]) for title, group in groupby(rows, key=lambda row: row[0])]
