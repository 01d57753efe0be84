"""Write down what the results came from."""

import json
from pathlib import Path

from gradgrid.core.config import Config
from gradgrid.core.jobs import job
from gradgrid.core.provenance import write
from gradgrid.core.usage import usage

with job(snakemake.log[0], snakemake.input):
    config = Config.model_validate_json(snakemake.params.config)
    runs, dataset = map(Path, snakemake.input.runs), Path(snakemake.input.dataset)
    out = Path(snakemake.output[0])
    jobs = usage(config, json.loads(dataset.read_text(encoding="utf-8"))["dataset"], results=out.parent)
    write(out, dataset=dataset, config=config, bundles=runs, jobs=jobs)
