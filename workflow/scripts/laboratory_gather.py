"""Gather the parts of a table of the laboratory."""

from pathlib import Path

from gradgrid.core.jobs import job
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.parquet import gather

with job(snakemake.log[0], snakemake.input):
    gather(
        map(Path, snakemake.input), LABORATORY_TABLES[snakemake.wildcards.table], Path(snakemake.output[0])
    )
