"""The tables as the figures read them: only the columns and rows that a figure needs, and the levels."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gradgrid.core.datasets import TITLES
from gradgrid.core.entries import UNSAID
from gradgrid.core.errors import GradgridError
from gradgrid.core.numbers import counted
from gradgrid.core.part import Part
from gradgrid.core.tables import FACTOR_NAMES
from gradgrid.figures.levels import Level, in_words, ordered

MOST_ROWS = 20_000
"""From so many rows on, a figure's data are medians."""
MOST_NAMED = 20
"""So many levels that a figure does not show are named; of more, the number."""
MOST_LEVELS = 1000
"""A number with more values is a measure."""


@dataclass(frozen=True)
class Source:
    """One table in a folder, with the notice to show if another dataset was used than asked for."""

    folder: Path
    table: str
    notice: str | None = None
    _reads: dict[str, pd.DataFrame] = field(default_factory=dict, compare=False, repr=False)

    def read(self, columns: Iterable[str], **rows: Level | Sequence[Level]) -> pd.DataFrame:
        """Some columns of the rows in which each named column has the given level, or one of several."""
        found = self._rows(columns, **rows)
        same = {name: level for name, level in rows.items() if name not in found and _is_one(level)}
        self._reads[f"{found.columns} {rows}"] = found.assign(**same)
        return found

    @property
    def data(self) -> pd.DataFrame:
        """What a figure was drawn from: of all rows that it read those with the most columns.

        From MOST_ROWS on, the medians over rows that differ in seed, image and measures alone; ``rows`` counts them.
        """
        widest = max(len(frame.columns) for frame in self._reads.values())
        frames = [frame for frame in self._reads.values() if len(frame.columns) == widest]
        whole = pd.concat(frames, ignore_index=True)
        return whole if len(whole) < MOST_ROWS else _medians(whole)

    def _rows(self, columns: Iterable[str], **rows: Level | Sequence[Level]) -> pd.DataFrame:
        filters = [(name, "in", _several(level)) for name, level in rows.items()]
        options = {"columns": list(columns), "filters": filters or None, "partitioning": None}
        found = self._read_file(pq.read_table, **options)
        return found.cast(_text_plain(found.schema)).to_pandas()

    @cached_property
    def levels(self) -> dict[str, list[Level]]:
        """The levels of every factor, in their order; of a part of a grid, those asked for."""
        if self.part:
            return {name: ordered(name, levels) for name, levels in self.part.levels.items()}
        return {name: ordered(name, self._combinations[name].unique().tolist()) for name in FACTOR_NAMES}

    @cached_property
    def _combinations(self) -> pd.DataFrame:
        """The combinations of levels that have rows, and how many: runs, in the table of cells."""
        if self.table == "cells":
            return self._rows([*FACTOR_NAMES, "seeds"]).rename(columns={"seeds": "rows"})
        return self._counted(FACTOR_NAMES)

    def _counted(self, columns: Sequence[str]) -> pd.DataFrame:
        """The combinations of some columns' values, and how many ``rows`` have each; of any table in little memory."""
        batches = self._read_file(pq.ParquetFile).iter_batches(columns=list(columns))
        tables = (pa.table(batch.cast(_text_plain(batch.schema))) for batch in batches)
        parts = [table.group_by([*columns]).aggregate([([], "count_all")]).to_pandas() for table in tables]
        if not parts:
            return self._rows(columns).assign(rows=0)
        counts = pd.concat(parts).groupby([*columns], sort=False)["count_all"].sum()
        return counts.reset_index(name="rows")

    @cached_property
    def _schema(self) -> pa.Schema:
        return self._read_file(pq.read_schema)

    @property
    def columns(self) -> list[str]:
        """The table's columns."""
        return self._schema.names

    @cached_property
    def part(self) -> Part | None:
        """What was asked for, if the table holds a part of a grid."""
        return Part.read(self._schema.metadata)

    @cached_property
    def dataset(self) -> str:
        """The dataset that was used; empty if the table has no rows, or comes from no images."""
        return "".join(self._counted(["dataset"])["dataset"]) if "dataset" in self.columns else ""

    @cached_property
    def seeds(self) -> int:
        """The number of seeds of every cell; in a part of a grid it may have fewer."""
        if self.part:
            return len(self.part.seeds)
        if self.table == "cells":
            return int(self._rows(["seeds"])["seeds"].max())
        return len(self._counted(["seed"]))

    @property
    def over_seeds(self) -> str:
        """What a number is worked out from: ``5 seeds``, or ``up to 5 seeds`` in a part of a grid."""
        return f"{'up to ' if self.part else ''}{counted(self.seeds, 'seed')}"

    def _read_file(self, reader: Callable, **options: object) -> Any:
        path = self.folder / f"{self.table}.parquet"
        try:
            return reader(path, **options)
        except (OSError, pa.ArrowException) as error:
            raise GradgridError(f"{path}: cannot be read ({error}); collect the tables again") from error

    def stated(self, *facts: str) -> "Stated":
        """What a figure shows of a table that holds no grid, in the figure's own words."""
        return Stated(self, facts)

    def scope(self, *spread: str, **at: Level) -> "Scope":
        """What a figure shows that spreads some factors; the others stay at a given level or the first.

        In a part of a grid they stay at the levels of which the most is there.
        """
        rest = [name for name in FACTOR_NAMES if name not in spread]
        found = self._combinations
        for name, level in at.items():
            found = found[found[name] == level]
        counts = found.groupby(rest)["rows"].sum()
        if counts.empty:
            return Scope(self, at)
        fullest = counts.index[counts == counts.max()].to_frame(index=False)
        places = {name: ordered(name, fullest[name].unique().tolist()) for name in rest}
        fullest = fullest.sort_values(rest, key=lambda column: column.map(places[column.name].index))
        return Scope(self, dict(zip(rest, next(fullest.itertuples(index=False, name=None)), strict=True)))


@dataclass(frozen=True)
class Scope:
    """The part of a table that a figure shows: the level of every factor that it does not spread out."""

    source: Source
    fixed: dict[str, Level]

    def read(self, columns: Iterable[str], **rows: Level | Sequence[Level]) -> pd.DataFrame:
        """Some columns of the rows of this part."""
        return self.source.read(columns, **self.fixed, **rows)

    def complete(self, frame: pd.DataFrame, factors: list[str]) -> pd.DataFrame:
        """A frame with one row for every combination of the factors' levels; ``there`` says which it had before."""
        levels = [self.source.levels[name] for name in factors]
        everything = pd.MultiIndex.from_product(levels, names=factors)
        found = frame.set_index(factors)
        return found.reindex(everything).assign(there=everything.isin(found.index)).reset_index()

    @property
    def words(self) -> str:
        """Dataset, number of seeds, how much of a part is there, the fixed levels; in brackets those left out."""
        dataset = TITLES.get(self.source.dataset, self.source.dataset)
        head = [dataset, self.source.over_seeds] if dataset else []
        head += [f"partial: {self.source.part.words}"] if self.source.part else []
        said = (name for name in self.fixed if self.source.levels[name] != [UNSAID.get(name)])
        return " · ".join([*head, *map(self._fixed_in_words, said)])

    def _fixed_in_words(self, factor: str) -> str:
        shown = self.fixed[factor]
        others = [str(level) for level in self.source.levels[factor] if level != shown]
        said = ", ".join(others) if len(others) <= MOST_NAMED else f"{len(others):,} other levels"
        return in_words(factor, shown) + (f" (not shown: {said})" if others else "")


@dataclass(frozen=True)
class Stated:
    """What a figure shows: the dataset, if any, and facts in words."""

    source: Source
    facts: tuple[str, ...]

    @property
    def words(self) -> str:
        """Dataset, how much of a part of a grid is there, and facts."""
        dataset = TITLES.get(self.source.dataset, self.source.dataset)
        head = [dataset] if dataset else []
        head += [f"partial: {self.source.part.words}"] if self.source.part else []
        return " · ".join([*head, *self.facts])


def _medians(frame: pd.DataFrame) -> pd.DataFrame:
    """Medians of the measures, which are the numbers with many values, by all else but the seed and the image."""
    numbers = frame.select_dtypes("floating")
    measures = [name for name in numbers if numbers[name].nunique() > MOST_LEVELS]
    groups = frame.groupby(
        [*frame.columns.difference([*measures, "seed", "image"], sort=False)], sort=False, dropna=False
    )
    return groups[measures].median().assign(rows=groups.size()).reset_index()


def _is_one(level: Level | Sequence[Level]) -> bool:
    return isinstance(level, str | int | float)


def _several(level: Level | Sequence[Level]) -> list[Level]:
    return [level] if _is_one(level) else list(level)


def _text_plain(schema: pa.Schema) -> pa.Schema:
    """The schema with its dictionaries as plain text: no category can then outlive its rows."""
    plain = [f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in schema]
    return pa.schema(plain)
