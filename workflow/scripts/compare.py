"""Compare the levels of the factors over the seeds."""

from pathlib import Path

from gradgrid.analysis.statistics import write_statistics
from gradgrid.core.jobs import job

with job(snakemake.log[0], snakemake.input):
    write_statistics(Path(snakemake.input[0]), Path(snakemake.output[0]).parent)
