"""Follow gradients through recurrent networks, and train them with and without clipping."""

from pathlib import Path

from gradgrid.core.jobs import job
from gradgrid.data import load
from gradgrid.laboratory.jobs import on_images

with job(snakemake.log[0], snakemake.input):
    outputs = {table: Path(path) for table, path in snakemake.output.items()}
    given, data = snakemake.params, load(Path(snakemake.input.data))
    on_images("recurrent", given.settings, given.device.value, data, outputs)
