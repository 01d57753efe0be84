"""Gather the runs of all bundles, with their gradient slopes and verdicts."""

from pathlib import Path

from gradgrid.analysis.collect import collect_runs
from gradgrid.core.jobs import job
from gradgrid.core.verdicts import Verdicts

with job(snakemake.log[0], snakemake.input):
    runs, gradients = (list(map(Path, files)) for files in (snakemake.input.runs, snakemake.input.gradients))
    limits = Verdicts.model_validate_json(snakemake.params.verdicts)
    collect_runs(runs, gradients, Path(snakemake.output[0]), limits=limits)
