"""Judge the claims of the book's chapter."""

from pathlib import Path

from gradgrid.book.claims import judge
from gradgrid.core.jobs import job

with job(snakemake.log[0], snakemake.input):
    judge({table: Path(path) for table, path in snakemake.input.items()}, Path(snakemake.output[0]))
