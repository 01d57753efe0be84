"""The table of cells as the page holds it: one JSON object that a small script sorts, filters and shows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gradgrid.core.tables import CELLS, FACTORS

DIGITS = 5
"""Significant digits of the numbers in the page; the parquet file has them all."""


@dataclass(frozen=True)
class Shown:
    """A column of the page's table: source column, heading, and how its values are written.

    ``kind`` is text, integer, percent, decimal or seconds; ``interval`` says that half the width of the 95 %
    interval stands behind the mean.
    """

    source: str
    title: str
    kind: str
    interval: bool = False


MEASURES = (
    Shown("verdict", "verdict", "text"),
    Shown("validation_accuracy", "validation accuracy, %", "percent", interval=True),
    Shown("test_accuracy", "test accuracy, %", "percent", interval=True),
    Shown("gradient_slope", "gradient slope, decades per layer", "decimal", interval=True),
    Shown("runs_diverged", "runs diverged", "integer"),
    Shown("best_validation_accuracy", "best validation accuracy, %", "percent", interval=True),
    Shown("seconds", "training, s", "seconds"),
)


def columns(cells: pd.DataFrame, asked: int | None = None) -> tuple[Shown, ...]:
    """The factors that vary in this grid, how many of the seeds asked for are there if some are not, the measures."""
    varying = [factor for factor in FACTORS if cells[factor.name].nunique() > 1]
    factors = (Shown(f.name, f.name.replace("_", " "), _factor_kind(cells[f.name])) for f in varying)
    seeds = () if asked is None else (Shown("seeds", f"seeds there, of {asked}", "integer"),)
    return (*factors, *seeds, *MEASURES)


def _factor_kind(values: pd.Series) -> str:
    if pd.api.types.is_integer_dtype(values):
        return "integer"
    return "number" if pd.api.types.is_float_dtype(values) else "text"


def described(shown: Shown) -> str:
    """What the column means, from the table's schema."""
    source = f"{shown.source}_mean" if shown.interval else shown.source
    return next(column.description for column in CELLS.columns if column.name == source)


def options(cells: pd.DataFrame, shown: Sequence[Shown]) -> dict[str, list]:
    """Levels to choose from by column: every factor that varies, the seeds that are there, and the verdict."""
    chosen = [c.source for c in shown if c not in MEASURES or c.source == "verdict"]
    return {name: sorted(cells[name].dropna().unique().tolist()) for name in chosen}


def page_data(cells: pd.DataFrame, shown: Sequence[Shown]) -> dict[str, Any]:
    """Columns and values for the page's script; a null or non-finite number becomes None."""
    return {
        "columns": [{"key": c.source, "kind": c.kind, "interval": c.interval} for c in shown],
        "values": [_values(cells, c) for c in shown],
        "halfwidths": [_halfwidths(cells, c) if c.interval else None for c in shown],
    }


def _values(cells: pd.DataFrame, shown: Shown) -> list:
    return [_plain(value) for value in cells[f"{shown.source}_mean" if shown.interval else shown.source]]


def _halfwidths(cells: pd.DataFrame, shown: Shown) -> list:
    low, high = (cells[f"{shown.source}_{end}"] for end in ("low", "high"))
    return [_plain(half) for half in (high - low) / 2]


def _plain(value: object) -> object:
    """A value that JSON can hold: numbers to DIGITS significant digits, None for what is not finite."""
    if value is None or isinstance(value, str):
        return value
    number = float(value)
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else float(f"{number:.{DIGITS}g}")
