"""The statistics of a grid: paired differences, shares of variance and ranks, from the table of runs."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from gradgrid.analysis.effects import effects
from gradgrid.analysis.pairs import comparisons
from gradgrid.analysis.ranks import ranks
from gradgrid.analysis.scores import READ, scored
from gradgrid.core.parquet import write_frame
from gradgrid.core.statistics_tables import STATISTICS_TABLES


def statistics(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of ``STATISTICS_TABLES`` by name; one without anything to compare has no rows."""
    texts = runs.select_dtypes("category").columns
    compared = scored(runs.astype(dict.fromkeys(texts, object)))
    return {
        "comparisons": comparisons(compared),
        "effects": effects(compared),
        "ranks": ranks(compared),
    }


def write_statistics(runs_file: Path, folder: Path, metadata: Mapping[bytes, str] | None = None) -> None:
    """Write the statistics of the runs table in a parquet file as FOLDER/NAME.parquet."""
    made = statistics(pq.read_table(runs_file, columns=READ, partitioning=None).to_pandas())
    for name, table in STATISTICS_TABLES.items():
        write_frame(made[name], table, folder / f"{name}.parquet", metadata)
