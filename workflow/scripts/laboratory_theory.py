"""Put mean-field theory beside the propagation that was measured."""

from pathlib import Path

from gradgrid.core.jobs import job
from gradgrid.data import load
from gradgrid.laboratory.jobs import compare

with job(snakemake.log[0], snakemake.input):
    files = snakemake.input
    compare(
        snakemake.params.settings, Path(files.measured), load(Path(files.data)), Path(snakemake.output[0])
    )
