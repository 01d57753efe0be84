"""Bring the files of one bundle up to date: keep the runs that still hold, train the others."""

from pathlib import Path

from gradgrid.core.jobs import job
from gradgrid.data import identify, load
from gradgrid.train.bundle import DataFile, train_bundle

with job(snakemake.log[0], snakemake.input):
    file = Path(snakemake.input.data)
    data = DataFile(*identify(file), load=lambda: load(file))
    grid = Path(snakemake.output.state.removesuffix(f"state/{snakemake.wildcards.bundle}.json"))
    train_bundle(snakemake.params.job, snakemake.params.generation, data, grid)
