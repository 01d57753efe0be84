"""The cells table: every cell summarised over its seeds."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from gradgrid.analysis.intervals import mean_with_interval
from gradgrid.core.numbers import counted
from gradgrid.core.parquet import write_frame
from gradgrid.core.tables import CELLS, FACTOR_NAMES, SUMMARISED
from gradgrid.core.verdicts import VERDICTS

_JUDGED = ["verdict", "verdict_reason"]
_READ = ["cell_id", "dataset", *FACTOR_NAMES, "seed", "status", *SUMMARISED, *_JUDGED, "seconds"]


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
    cells = cells.join(_verdicts(runs))
    cells["seconds"] = by_cell["seconds"].sum(min_count=1)
    return cells.reset_index()[CELLS.schema.names]


def _verdicts(runs: pd.DataFrame) -> pd.DataFrame:
    """The verdict that most runs of a cell have; of equally many, the worse; nothing if no run has one."""
    texts = runs.astype(dict.fromkeys(["cell_id", "verdict", "verdict_reason"], object))
    counts = pd.crosstab(texts["cell_id"], texts["verdict"]).reindex(columns=list(VERDICTS), fill_value=0)
    counts = counts[counts.any(axis=1)]
    # idxmax takes the first of equals, and VERDICTS runs from the worst to the best.
    words = counts.idxmax(axis=1)
    alike = texts[texts["verdict"] == texts["cell_id"].map(words)]
    first = alike.groupby("cell_id")[["seed", "verdict_reason"]].first()
    reasons = [
        f"{_tally(counts.loc[cell], words[cell])}; seed {row.seed}: {row.verdict_reason}"
        for cell, row in zip(first.index, first.itertuples(), strict=True)
    ]
    made = {"verdict": words, "runs_of_verdict": counts.max(axis=1)}
    return pd.DataFrame(made).assign(verdict_reason=pd.Series(reasons, index=first.index, dtype=object))


def _tally(counts: pd.Series, word: str) -> str:
    """``4 of 5 runs, 1 healthy``: how many runs have the cell's verdict, and which the others have."""
    others = (f", {count} {other}" for other, count in counts.items() if count and other != word)
    return f"{counts[word]} of {counted(counts.sum(), 'run')}{''.join(others)}"


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
