"""Build the report."""

from pathlib import Path

from gradgrid.core.jobs import job
from gradgrid.report.render import build

with job(snakemake.log[0]):
    files, out = snakemake.input, Path(snakemake.output[0])
    sidecars = [Path(file) for file in files.sidecars]
    book = Path(files.book[0]).parent if files.book else None
    build(Path(files.tables[0]).parent, sidecars, Path(files.provenance), Path(files.config), out, book)
