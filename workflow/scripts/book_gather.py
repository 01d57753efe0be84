"""Gather the parts of an experiment of the book's chapter into one table."""

from pathlib import Path

from gradgrid.book.jobs import gather
from gradgrid.core.jobs import job

with job(snakemake.log[0]):
    gather(snakemake.wildcards.table, [Path(file) for file in snakemake.input], Path(snakemake.output[0]))
