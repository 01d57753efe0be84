"""Make a table of the laboratory that needs no images."""

from pathlib import Path

from gradgrid.core.jobs import job
from gradgrid.laboratory.jobs import without_images

with job(snakemake.log[0], snakemake.input):
    without_images(snakemake.wildcards.table, snakemake.params.settings, Path(snakemake.output[0]))
