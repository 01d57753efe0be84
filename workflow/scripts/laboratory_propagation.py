"""Send signals and gradients through the untrained networks of one width."""

from pathlib import Path

from gradgrid.core.jobs import job
from gradgrid.laboratory.jobs import propagate

with job(snakemake.log[0], snakemake.input):
    outputs = {table: Path(path) for table, path in snakemake.output.items()}
    propagate(snakemake.params.settings, int(snakemake.wildcards.width), outputs)
