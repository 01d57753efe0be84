"""Write down what the results came from."""

from pathlib import Path

from gradgrid.core.config import Config
from gradgrid.core.jobs import job
from gradgrid.core.provenance import write

with job(snakemake.log[0], snakemake.input):
    config = Config.model_validate_json(snakemake.params.config)
    files = snakemake.input
    write(
        Path(snakemake.output[0]), dataset=Path(files.dataset), config=config, bundles=map(Path, files.runs)
    )
