"""Build the report."""

from pathlib import Path

from gradgrid.core.jobs import job
from gradgrid.report.render import build

with job(snakemake.log[0], snakemake.input):
    files, out = snakemake.input, Path(snakemake.output[0])
    sidecars = [Path(file) for file in files.sidecars]
    book, laboratory = (Path(made[0]).parent if made else None for made in (files.book, files.laboratory))
    tables, provenance = Path(files.tables[0]).parent, Path(files.provenance)
    build(tables, sidecars, provenance, Path(files.config), out, book, laboratory)
