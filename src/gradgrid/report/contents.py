"""The page's chapters in their order, each with its sections: what its contents list and its glossary links to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gradgrid.report.pictures import anchor

RUN = (("What this rests on", "run-rests"), ("The factors", "run-factors"))
EXPLORER = (
    ("Map of the grid", "explorer-map-title"),
    ("Cells side by side", "explorer-cells-title"),
    ("Table of cells", "cells-title"),
)
METHODS = (
    ("What is measured", "methods-measures"),
    ("Why gradients vanish and explode", "methods-propagation"),
    ("Verdicts", "methods-verdicts"),
    ("Comparing levels", "methods-statistics"),
)
Parts = tuple[tuple[str, str], ...]
"""Titles of sections, and their addresses."""


@dataclass(frozen=True)
class Entry:
    """A chapter's title and address, and its sections."""

    title: str
    anchor: str
    parts: Parts = ()


def contents(page: Mapping[str, Any]) -> list[Entry]:
    """The chapters that a page has; ``page`` is what its templates use."""
    grid = (("How the runs ended", "grid-outcomes"), *((c.title, c.anchor) for c in page["chapters"]))
    provenance = [title for title, _ in page["provenance"]] + (["Jobs"] if page["jobs"] else [])
    entries = (
        Entry("Findings", "findings"),
        Entry("What was run", "run", RUN),
        page["book"] and Entry(page["book"]["title"], "book", _sections(page["book"]["sections"])),
        Entry("The grid", "grid", grid),
        page["laboratory"]
        and Entry(page["laboratory"]["title"], "laboratory", _sections(page["laboratory"]["sections"])),
        Entry(page["statistics"].title, "statistics", _sections(page["statistics"].sections)),
        Entry("Explorer", "explorer", EXPLORER),
        Entry("Methods in brief", "methods", METHODS),
        Entry("Glossary", "glossary", (("Colours", "glossary-colours"),)),
        Entry("Data dictionary", "dictionary"),
        Entry("Provenance", "provenance", tuple(_provenance(provenance))),
    )
    return [entry for entry in entries if entry]


def _sections(sections: Mapping[str, Any]) -> Parts:
    return tuple((section.title, section.anchor) for section in sections.values())


def _provenance(titles: Iterable[str]) -> Iterable[tuple[str, str]]:
    return ((title, f"provenance-{anchor(title)}") for title in titles)


def titles(entries: Iterable[Entry]) -> dict[str, str]:
    """The title of every chapter and section, by its address."""
    return {address: title for e in entries for title, address in ((e.title, e.anchor), *e.parts)}
