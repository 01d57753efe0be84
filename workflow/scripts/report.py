"""Build the report."""

from pathlib import Path

from gradgrid.core.jobs import job
from gradgrid.report.render import build

with job(snakemake.log[0]):
    tables, figures = Path(snakemake.input.tables[0]).parent, Path(snakemake.input.figures[0]).parent
    build(
        tables,
        figures,
        Path(snakemake.input.provenance),
        Path(snakemake.input.config),
        Path(snakemake.output[0]),
    )
