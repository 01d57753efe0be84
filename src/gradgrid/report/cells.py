"""The columns of the page's table of cells, and a cell's name in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from gradgrid.core.tables import CELLS, FACTOR_NAMES, FACTORS


@dataclass(frozen=True)
class Shown:
    """A column of the page's table: source column, heading, and how its values are written.

    ``kind`` is text, integer, number, percent, decimal or seconds; ``interval`` says that half the width of the
    95 % interval stands behind the mean; ``picked`` that it is there before the reader chooses.
    """

    source: str
    title: str
    kind: str
    interval: bool = False
    picked: bool = True

    @property
    def numbers(self) -> list[str]:
        """The columns of the table of cells behind a measure; factors and verdict stand in the page by themselves."""
        if self.interval:
            return [f"{self.source}_{end}" for end in ("mean", "low", "high")]
        return [self.source] if self.source in MEASURED else []


MEASURES = (
    Shown("verdict", "verdict", "text"),
    Shown("validation_accuracy", "validation accuracy, %", "percent", interval=True),
    Shown("test_accuracy", "test accuracy, %", "percent", interval=True),
    Shown("gradient_slope", "gradient slope, decades per layer", "decimal", interval=True),
    Shown("runs_diverged", "runs diverged", "integer"),
    Shown("best_validation_accuracy", "best validation accuracy, %", "percent", interval=True),
    Shown("train_accuracy", "training accuracy, %", "percent", interval=True, picked=False),
    Shown("seconds", "training, s", "seconds", picked=False),
)
MEASURED = ("seeds", "runs_diverged", "seconds")
"""Measures that are one number a cell."""


def columns(cells: pd.DataFrame, asked: int | None = None) -> tuple[Shown, ...]:
    """The factors, those that vary picked, how many of the seeds asked for are there, and the measures.

    ``asked`` is the number of seeds asked for if some runs are not there.
    """
    factors = (_factor(f.name, cells[f.name]) for f in FACTORS)
    title = "seeds" if asked is None else f"seeds there, of {asked}"
    return (*factors, Shown("seeds", title, "integer", picked=asked is not None), *MEASURES)


def _factor(name: str, levels: pd.Series) -> Shown:
    if pd.api.types.is_integer_dtype(levels):
        kind = "integer"
    else:
        kind = "number" if pd.api.types.is_float_dtype(levels) else "text"
    return Shown(name, name.replace("_", " "), kind, picked=levels.nunique() > 1)


def described(shown: Shown) -> str:
    """What the column means, from the table's schema."""
    source = f"{shown.source}_mean" if shown.interval else shown.source
    return next(column.description for column in CELLS.columns if column.name == source)


def options(cells: pd.DataFrame, shown: Sequence[Shown]) -> dict[str, list]:
    """Levels to choose from by column: every factor that varies, the seeds that are there, and the verdict."""
    chosen = [c.source for c in shown if c.picked and (c not in MEASURES or c.source == "verdict")]
    return {name: sorted(cells[name].dropna().unique().tolist()) for name in chosen}


def cell_name(cell: pd.Series, cells: pd.DataFrame) -> str:
    """The cell's levels of the factors that vary in the grid, in words."""
    varying = [name for name in FACTOR_NAMES if cells[name].nunique() > 1] or ["activation", "initializer"]
    return ", ".join(_level(name, cell[name]) for name in varying)


def _level(factor: str, level: object) -> str:
    if level in ("none", "no"):
        return f"no {_NOUNS[factor]}"
    return _LEVELS.get(factor, "{}").format(level)


_NOUNS = {"clipping": "clipping", "normalization": "normalization", "residual": "residual connections"}
_LEVELS = {
    "depth": "depth {}",
    "clipping": "clipping {}",
    "width": "width {}",
    "learning_rate": "learning rate {:g}",
    "normalization": "{} normalization",
    "residual": "residual connections",
}
