"""Train the deep networks of one depth with every remedy."""

from pathlib import Path

from gradgrid.core.jobs import job
from gradgrid.data import load
from gradgrid.laboratory.jobs import train_remedies

with job(snakemake.log[0], snakemake.input):
    given, data = snakemake.params, load(Path(snakemake.input.data))
    depth, out = int(snakemake.wildcards.depth), Path(snakemake.output[0])
    train_remedies(given.settings, depth, given.device.value, data, out)
