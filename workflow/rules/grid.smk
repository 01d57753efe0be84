import os

from gradgrid.core.basis import Basis
from gradgrid.core.fingerprints import TrainingSource, digest
from gradgrid.core.plan import BUNDLE_TABLES, BundleJob
from gradgrid.core.work import RETRAIN, examine

SOURCE = TrainingSource()
WORK = {}
"""What is to be done for each bundle that was looked at."""


def generation(key):
    """The number that changes when a bundle has runs to train or to drop, and with nothing else."""
    if key not in WORK:
        bundle = BUNDLES[key]
        basis = Basis.of(bundle.runs, CONFIG.training, *DATA.known, SOURCE) if DATA.known else None
        WORK[key] = examine(bundle, basis)
    return WORK[key].generation


def generations():
    """A digest of the generations of all bundles: it says more surely than time stamps whether tables are current."""
    return digest(*(f"{key} {generation(key)}" for key in BUNDLES))


def forced_bundles():
    """Keys of the bundles that the command line forces, or all: their jobs shall keep nothing."""
    asked = workflow.dag_settings
    forced = {*asked.forcerun, *(asked.targets if asked.forcetargets else ())}
    if asked.forceall or "train" in forced:
        return ["all"]
    return [key for key in BUNDLES if any(f"/{key}." in str(file) for file in forced)]


onstart:
    if FORCED := forced_bundles():
        os.environ[RETRAIN] = "\n".join(FORCED)  # a job does not know otherwise


rule train:
    input:
        data=DATASET,
    output:
        **{table: update(f"results/grid/{table}/{{bundle}}.parquet") for table in BUNDLE_TABLES},
        state=update("results/grid/state/{bundle}.json"),
    log:
        "results/logs/train/{bundle}.log",
    benchmark:
        "results/benchmarks/train/{bundle}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        generation=lambda wildcards: generation(wildcards.bundle),
        # an object of a class, which Snakemake does not compare: the generation says what changed
        job=lambda wildcards: BundleJob(BUNDLES[wildcards.bundle], CONFIG.training, CONFIG.device),
    script:
        "../scripts/train.py"
