"""Train the networks of one part of an experiment of the book's chapter."""

from pathlib import Path

from gradgrid.book.jobs import train_part
from gradgrid.core.jobs import job
from gradgrid.data import load

with job(snakemake.log[0], snakemake.input):
    data = load(Path(snakemake.input.data))
    given, out = snakemake.params, Path(snakemake.output[0])
    train_part(snakemake.wildcards.experiment, given.settings, given.device.value, data, out)
