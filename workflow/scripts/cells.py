"""Summarise the runs of every cell over its seeds."""

from pathlib import Path

from gradgrid.analysis.cells import write_cells
from gradgrid.core.jobs import job

with job(snakemake.log[0], snakemake.input):
    write_cells(Path(snakemake.input[0]), Path(snakemake.output[0]))
