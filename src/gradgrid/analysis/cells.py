"""The cells table: every cell summarised over its seeds."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from gradgrid.analysis.intervals import mean_with_interval
from gradgrid.analysis.verdicts import VERDICTS
from gradgrid.core.parquet import write_frame
from gradgrid.core.tables import CELLS, FACTOR_NAMES, SUMMARISED

_READ = ["cell_id", "dataset", *FACTOR_NAMES, "status", *SUMMARISED, "verdict", "seconds"]


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """The cells of a runs table, in the order in which they first appear.

    Accuracies are summarised over the seeds that did not diverge, the gradient slope (measured before any
    step) over all seeds that have one. A cell without any such seed keeps its row, with null means; a single
    such seed gives a mean and neither standard deviation nor interval.
    """
    runs = runs.assign(cell_id=runs["cell_id"].astype(object), diverged=runs["status"] == "diverged")
    accuracies = [name for name in SUMMARISED if name != "gradient_slope"]
    values = runs[list(SUMMARISED)].astype(np.float64)
    values[accuracies] = values[accuracies].mask(runs["diverged"], axis=0)
    by_cell = runs.groupby("cell_id", sort=False)
    cells = by_cell[["dataset", *FACTOR_NAMES]].first()
    cells["seeds"] = by_cell.size()
    cells["runs_diverged"] = by_cell["diverged"].sum()
    for name in SUMMARISED:
        summary = mean_with_interval(values[name].groupby(runs["cell_id"], sort=False))
        cells = cells.join(summary.add_prefix(f"{name}_"))
    cells["verdict"] = _commonest_verdict(runs)
    cells["seconds"] = by_cell["seconds"].sum(min_count=1)
    return cells.reset_index()[CELLS.schema.names]


def _commonest_verdict(runs: pd.DataFrame) -> pd.Series:
    """The verdict that most runs of a cell have; of equally many, the worse; null if no run has one."""
    counts = pd.crosstab(runs["cell_id"], runs["verdict"].astype(object)).reindex(
        columns=list(VERDICTS), fill_value=0
    )
    # idxmax takes the first of equals, and VERDICTS runs from the worst to the best.
    return counts[counts.any(axis=1)].idxmax(axis=1)


def with_holes(cells: pd.DataFrame, asked: pd.DataFrame) -> pd.DataFrame:
    """All cells asked for (columns cell_id and the factors), in that order; one without a run has 0 seeds and nulls."""
    whole = asked.merge(cells.drop(columns=[*FACTOR_NAMES]), on="cell_id", how="left")
    return whole.assign(dataset=cells["dataset"].iloc[0]).fillna({"seeds": 0, "runs_diverged": 0})


def write_cells(
    runs_file: Path,
    out: Path,
    asked: pd.DataFrame | None = None,
    metadata: Mapping[bytes, str] | None = None,
) -> None:
    """Summarise the runs table in a parquet file into the cells table, with holes where it lacks cells asked for."""
    cells = summarise(pq.read_table(runs_file, columns=_READ, partitioning=None).to_pandas())
    write_frame(cells if asked is None else with_holes(cells, asked), CELLS, out, metadata)
