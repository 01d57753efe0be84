"""Measure how fast the layers of the book's networks learn before training."""

from pathlib import Path

from gradgrid.book.jobs import measure
from gradgrid.core.jobs import job
from gradgrid.data import load

with job(snakemake.log[0], snakemake.input):
    outputs = {table: Path(path) for table, path in snakemake.output.items()}
    measure("initial_speed", snakemake.params.settings, load(Path(snakemake.input.data)), outputs)
