"""Draw one figure."""

from pathlib import Path

from gradgrid.core.jobs import job
from gradgrid.data import DatasetProvenance
from gradgrid.figures.draw import draw

with job(snakemake.log[0], snakemake.input):
    dataset = DatasetProvenance.read(Path(snakemake.input.dataset))
    stem = Path(snakemake.output.svg).with_suffix("")
    draw(snakemake.wildcards.figure, Path(snakemake.input.table).parent, stem, dataset.message)
