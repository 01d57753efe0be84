"""Gather the runs of all bundles, with their gradient slopes and verdicts."""

from pathlib import Path

from gradgrid.analysis.collect import collect_runs
from gradgrid.core.jobs import job

with job(snakemake.log[0], snakemake.input):
    runs, gradients = (list(map(Path, files)) for files in (snakemake.input.runs, snakemake.input.gradients))
    collect_runs(runs, gradients, Path(snakemake.output[0]))
