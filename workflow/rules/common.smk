# The checked configuration and its plan. Imports stay light: every job on a cluster reads this again.
# What is wrong with the configuration is said in the words of `gradgrid check` alone: a WorkflowError adds lines.

import gc
import os
import sys
import time
from functools import cache
from pathlib import Path

from gradgrid.core.basis import Basis
from gradgrid.core.book import SOURCE as BOOK_SOURCE
from gradgrid.core.book import TABLES as BOOK_TABLES
from gradgrid.core.book import measuring_jobs, training_jobs
from gradgrid.core.captions import Described
from gradgrid.core.config import from_merged
from gradgrid.core.cost import bundle_seconds
from gradgrid.core.errors import GradgridError
from gradgrid.core.figures import figures
from gradgrid.core.files import check_writable
from gradgrid.core.jobs import Unwatched
from gradgrid.core.laboratory import BY_DEPTH as LABORATORY_BY_DEPTH
from gradgrid.core.laboratory import BY_WIDTH as LABORATORY_BY_WIDTH
from gradgrid.core.laboratory import SECTIONS as LABORATORY_SECTIONS
from gradgrid.core.laboratory import SOURCE as LABORATORY_SOURCE
from gradgrid.core.laboratory import TABLES as LABORATORY_TABLES
from gradgrid.core.laboratory import parts as laboratory_parts_of
from gradgrid.core.laboratory import settings as laboratory_settings
from gradgrid.core.fingerprints import (
    TrainingSource,
    code_digest,
    digest,
    function_digest,
    source_digest,
    train_sources,
)
from gradgrid.core.handover import Handover
from gradgrid.core.plan import BUNDLE_TABLES, BundleJob, plan
from gradgrid.core.prepared import RECORD, prepared
from gradgrid.core.resources import bundle_resources
from gradgrid.core.results import RESULTS
from gradgrid.core.sources import read_all
from gradgrid.core.states import GRID, state_file, table_files
from gradgrid.core.statistics_tables import STATISTICS_TABLES
from gradgrid.core.trainings import BEGAN
from gradgrid.core.work import RETRAIN, examine


include: "storage.smk"


# Planning makes many objects that stay, and looking them over takes a tenth of its time.
gc.set_threshold(100_000)

os.environ.setdefault(BEGAN, str(int(time.time())))  # jobs read this file too, and have it from their parent

CONFIG_FILES = [Path(file) for file in ("config.yaml", *workflow.overwrite_configfiles)]

try:
    check_writable()
    read_all(CONFIG_FILES)  # names the line of an error of syntax, which Snakemake does not
except GradgridError as error:
    sys.exit(str(error))


configfile: "config.yaml"


try:
    CONFIG = from_merged(config, CONFIG_FILES)
    BUNDLES = {bundle.key: bundle for bundle in plan(CONFIG).bundles}
    PARTS = {"grid", *(part for part in ("book", "laboratory") if getattr(CONFIG, part))}
    FIGURES = {name: spec for name, spec in figures().items() if spec.part in PARTS}
except GradgridError as error:
    sys.exit(str(error))


def growing(amount):
    """A resource of which a job gets as much more each time that it is tried again."""
    return lambda wildcards, attempt: attempt * amount


HANDOVER = Path(".snakemake/handover.json")
PLANNED = Handover.read(fetched(HANDOVER)) if workflow.remote_exec else None
"""In a job on a cluster or elsewhere, what the Snakemake that submitted it found."""

if PLANNED and PLANNED.forced:
    os.environ[RETRAIN] = "\n".join(PLANNED.forced)
if PLANNED and STORAGE and PLANNED.source != source_digest(train_sources()):
    sys.exit(
        "This job's gradgrid is not the one that planned it: build its image, or install its package, anew."
    )


DATA = PLANNED.data if PLANNED else prepared(CONFIG.dataset, fetched(RECORD))
DATASET_NAME = DATA.known[0] if DATA.known else CONFIG.dataset.name
"""The dataset that training will be on, as far as is known."""


@cache
def given(key):
    """What a bundle's job is given at its first attempt."""
    return bundle_resources(BUNDLES[key], CONFIG, DATASET_NAME)


def length(key):
    """Seconds that a bundle's training takes, by the plan's estimate."""
    return bundle_seconds(BUNDLES[key], CONFIG, DATASET_NAME)


def growing_with_bundle(name):
    """The same as growing, of the amount that a bundle's job is given, by its name."""
    return lambda wildcards, attempt: attempt * getattr(given(wildcards.bundle), name)


SCRIPTS = Path(workflow.basedir, "workflow", "scripts")


def source(script, module, files="", settings=None):
    """Digest of what a job with these settings runs: its script, and a module with all that it imports."""
    return source_digest([SCRIPTS / script]) + code_digest(module, files, settings or "")


def figure_source(spec):
    """Digest of what draws one figure: its own function, not the others of its module."""
    return source_digest([SCRIPTS / "figure.py"]) + function_digest(
        f"gradgrid.figures.{spec.module}", spec.name
    )


def shown_table(path, name, how):
    """A file of one of the grid's tables, with its place in Snakemake's own report."""
    return report(
        path,
        caption="../report/table.rst",
        category="Tables",
        subcategory=how,
        labels={"table": name, "a row is": RESULTS[name].row},
    )


def parquet(name):
    """The same of a table that can be saved from there."""
    return shown_table(f"results/tables/{name}.parquet", name, "As parquet")


wildcard_constraints:
    bundle="depth=.+",
    figure="|".join(FIGURES),


BOOK_FILES = expand("results/book/{table}.parquet", table=BOOK_TABLES if CONFIG.book else [])
"""The tables of the book's chapter."""


BOOK_TRAINING = training_jobs(CONFIG)
BOOK_MEASURING = measuring_jobs(CONFIG)


LABORATORY = laboratory_settings(CONFIG)


def laboratory_section(table):
    """The settings of a table that needs no images."""
    return LABORATORY.get(LABORATORY_SECTIONS.get(table), "null")


LABORATORY_FILES = expand("results/laboratory/{table}.parquet", table=LABORATORY_TABLES if LABORATORY else [])
"""The tables of the laboratory."""


LABORATORY_PARTS = laboratory_parts_of(CONFIG)


def laboratory_parts(wildcards):
    """The files of the parts of a table of the laboratory."""
    return expand("results/laboratory/parts/{{table}}/{part}.parquet", part=LABORATORY_PARTS[wildcards.table])


def book_parts(wildcards):
    """The files of an experiment's parts."""
    return expand("results/book/parts/{{table}}/{part}.parquet", part=BOOK_TRAINING[wildcards.table])


def bundle_files(table):
    """The files that the bundles write for a table."""
    return expand("results/grid/{table}/{bundle}.parquet", table=table, bundle=BUNDLES)


SOURCE = TrainingSource()
WORK = {}
"""What is to be done for each bundle that was looked at."""


def generation(key):
    """The number that changes when a bundle has runs to train or to drop, and with nothing else."""
    if PLANNED:
        return PLANNED.generations[key]
    if key not in WORK:
        bundle = BUNDLES[key]
        basis = Basis.of(bundle.runs, CONFIG.training, *DATA.known, SOURCE) if DATA.known else None
        WORK[key] = examine(bundle, basis, seen(bundle))
    return WORK[key].generation


@cache
def bundle_job(key):
    """What a bundle's job is told."""
    if PLANNED:
        fetch(BUNDLES[key])  # asked for before Snakemake copies what the job updates
    return BundleJob(BUNDLES[key], CONFIG.training, CONFIG.device, CONFIG.execution)


def generations():
    """A digest of the generations of all bundles: it says more surely than time stamps whether tables are current."""
    return digest(*(f"{key} {generation(key)}" for key in BUNDLES))


def forced_bundles():
    """Keys of the bundles that the command line forces, or all: their jobs shall keep nothing."""
    asked = workflow.dag_settings
    forced = {*asked.forcerun, *(asked.targets if asked.forcetargets else ())}
    if asked.forceall or "train" in forced:
        return ["all"]
    return [
        key
        for key in BUNDLES
        if any(str(name).endswith((f"{key}.parquet", f"{key}.json")) for name in forced)
    ]


onstart:
    FORCED = tuple(forced_bundles())  # a job does not know otherwise
    if workflow.non_local_exec:
        GENERATIONS = {key: generation(key) for key in BUNDLES}
        Handover(DATA, GENERATIONS, FORCED, source_digest(train_sources())).write(HANDOVER)
        store(HANDOVER)
    else:
        if FORCED:
            os.environ[RETRAIN] = "\n".join(FORCED)
        for bundle in BUNDLES.values():
            fetch(bundle)
