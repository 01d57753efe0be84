"""The glossary: the report's words, each in a plain sentence or two, with links to where they are used."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

import yaml

from gradgrid.report.pictures import anchor


@dataclass(frozen=True)
class Term:
    """A word with its meaning, its address, and title and address of the sections that use it."""

    name: str
    meaning: str
    anchor: str
    used: tuple[tuple[str, str], ...]


def glossary(titles: Mapping[str, str]) -> list[Term]:
    """All terms, with links to those sections that the page has; ``titles`` are theirs by address."""
    text = (resources.files("gradgrid.report") / "templates" / "glossary.yaml").read_text(encoding="utf-8")
    return [
        Term(entry["term"], entry["means"], f"term-{anchor(entry['term'])}", _used(entry["see"], titles))
        for entry in yaml.safe_load(text)
    ]


def _used(addresses: list[str], titles: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((titles[address], address) for address in addresses if address in titles)
