"""Train the runs of one bundle."""

from pathlib import Path

from gradgrid.core.jobs import job
from gradgrid.data import load
from gradgrid.train.bundle import train_bundle

with job(snakemake.log[0]):
    outputs = {table: Path(path) for table, path in snakemake.output.items()}
    train_bundle(snakemake.params.settings, load(Path(snakemake.input.data)), outputs)
