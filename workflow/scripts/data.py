"""Bring the dataset to results/data, or the embedded one where it cannot be had."""

from pathlib import Path

from gradgrid.core.config import Dataset
from gradgrid.core.jobs import job
from gradgrid.data import prepare

with job(snakemake.log[0], snakemake.input):
    dataset = Dataset.model_validate_json(snakemake.params.dataset)
    npz, provenance = map(Path, (snakemake.output.npz, snakemake.output.provenance))
    prepare(dataset, npz, provenance, Path(snakemake.params.cache), snakemake.params.attempt)
