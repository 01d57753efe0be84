"""Build the report, and pages of the tables."""

from pathlib import Path

from gradgrid.core.jobs import job
from gradgrid.report import build, write_pages

with job(snakemake.log[0], snakemake.input):
    files, out = snakemake.input, Path(snakemake.output.page)
    sidecars = [Path(file) for file in files.sidecars]
    book, laboratory = (Path(made[0]).parent if made else None for made in (files.book, files.laboratory))
    tables, provenance = Path(files.tables[0]).parent, Path(files.provenance)
    build(tables, sidecars, provenance, Path(files.config), out, book, laboratory)
    write_pages(tables, map(Path, snakemake.output.tables))
