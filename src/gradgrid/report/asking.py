"""What the questions at the chapters' ends are made of: the cells, and links that open the explorer on them."""

from dataclasses import dataclass
from urllib.parse import urlencode

import pandas as pd

from gradgrid.core.tables import FACTOR_NAMES
from gradgrid.core.verdicts import Verdicts
from gradgrid.report.cells import cell_name


@dataclass(frozen=True)
class Question:
    """A question, the words of the link that answers it, and the link's address."""

    text: str
    answer: str
    address: str


@dataclass(frozen=True)
class Cells:
    """What is asked about: the cells that have runs, the ranks of initializers, and the last measured step shown."""

    frame: pd.DataFrame
    ranks: pd.DataFrame
    last_step: int
    limits: Verdicts

    def where(self, **levels: object) -> pd.DataFrame:
        """The cells with these levels."""
        frame = self.frame
        for name, level in levels.items():
            frame = frame[frame[name] == level]
        return frame

    def beside(self, cell: pd.Series, *factors: str) -> pd.DataFrame:
        """The other cells that differ from one in nothing but these factors."""
        same = self.where(**{name: cell[name] for name in FACTOR_NAMES if name not in factors})
        return same[same["cell_id"] != cell["cell_id"]]

    def like(self, cell: pd.Series | None, **levels: object) -> pd.Series | None:
        """The cell that differs from one in these levels and in nothing else."""
        if cell is None:
            return None
        found = self.beside(cell, *levels)
        for name, level in levels.items():
            found = found[found[name] == level]
        return None if found.empty else found.iloc[0]

    def name(self, cell: pd.Series) -> str:
        """A cell by its levels of the factors that vary."""
        return cell_name(cell, self.frame)


def link(a: pd.Series, b: pd.Series | None = None, **state: object) -> str:
    """The address of the explorer with these cells and fields, as ``explorer_state.js`` reads it."""
    fields = {"a": a["cell_id"], **({} if b is None else {"b": b["cell_id"]}), **state}
    return f"#explorer?{urlencode(fields)}"
