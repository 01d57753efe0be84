"""Gather one table of all bundles into one file."""

from pathlib import Path

from gradgrid.analysis.collect import collect
from gradgrid.core.jobs import job

with job(snakemake.log[0], snakemake.input):
    collect(snakemake.wildcards.table, [Path(file) for file in snakemake.input], Path(snakemake.output[0]))
