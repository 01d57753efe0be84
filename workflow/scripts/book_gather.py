"""Gather the parts of an experiment of the book's chapter into one table."""

from pathlib import Path

from gradgrid.core.book_tables import BOOK_TABLES
from gradgrid.core.jobs import job
from gradgrid.core.parquet import gather

with job(snakemake.log[0], snakemake.input):
    gather(map(Path, snakemake.input), BOOK_TABLES[snakemake.wildcards.table], Path(snakemake.output[0]))
