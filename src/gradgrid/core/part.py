"""The part of a grid that a table holds: the table itself says so, lest it be taken for the whole."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from gradgrid.core.tables import FACTOR_NAMES

if TYPE_CHECKING:  # what draws from a table needs no configuration
    from gradgrid.core.plan import Plan

KEY = b"gradgrid.part"
"""Key of the parquet metadata of a table that holds a part of a grid; a whole grid's tables lack it."""


@dataclass(frozen=True)
class Part:
    """What there is of a grid, and what the configuration asks for.

    ``runs`` is the number of runs that are there; all the rest is asked for: the number of runs, the seeds, and the
    levels of every factor.
    """

    runs: int
    asked: int
    seeds: Sequence[int]
    levels: Mapping[str, Sequence[int | float | str]]

    @classmethod
    def of(cls, plan: "Plan", runs: int) -> "Part":
        """So many runs of a plan."""
        levels = {
            name: list(dict.fromkeys(cell.labels[name] for cell in plan.cells)) for name in FACTOR_NAMES
        }
        return cls(runs, len(plan.runs), sorted({run.seed for run in plan.runs}), levels)

    @classmethod
    def read(cls, metadata: Mapping[bytes, bytes] | None) -> "Part | None":
        """What a parquet file's metadata say; None of a table of a whole grid, or of no grid."""
        said = (metadata or {}).get(KEY)
        return None if said is None else cls(**json.loads(said))

    @property
    def metadata(self) -> dict[bytes, str]:
        """The same for a parquet file."""
        return {KEY: json.dumps(asdict(self))}

    @property
    def words(self) -> str:
        """``2,304 of 4,320 runs``."""
        return f"{self.runs:,} of {self.asked:,} runs"
