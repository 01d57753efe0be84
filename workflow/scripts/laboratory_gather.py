"""Gather the parts of a table of the laboratory."""

from pathlib import Path

from gradgrid.core.jobs import job
from gradgrid.laboratory.jobs import gather

with job(snakemake.log[0]):
    gather(snakemake.wildcards.table, [Path(file) for file in snakemake.input], Path(snakemake.output[0]))
