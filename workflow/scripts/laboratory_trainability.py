"""Train the deep narrow networks of the phase diagram."""

from pathlib import Path

from gradgrid.core.jobs import job
from gradgrid.data import load
from gradgrid.laboratory.jobs import on_images

with job(snakemake.log[0], snakemake.input):
    outputs = {table: Path(path) for table, path in snakemake.output.items()}
    given, data = snakemake.params, load(Path(snakemake.input.data))
    on_images("trainability", given.settings, given.device.value, data, outputs)
