"""Published numbers, with their sources, from ``references.csv``: what results are compared with."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Reference:
    """One published quantity; ``value`` as it is printed, several numbers with semicolons between them."""

    id: str
    source: str
    quantity: str
    setting: str
    value: str
    unit: str

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers that the value holds."""
        return tuple(float(number) for number in self.value.split(";"))


@cache
def references() -> dict[str, Reference]:
    """All published quantities by id."""
    text = (resources.files("gradgrid.core") / "references.csv").read_text(encoding="utf-8")
    return {row["id"]: Reference(**row) for row in csv.DictReader(text.splitlines())}
