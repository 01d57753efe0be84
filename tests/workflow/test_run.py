"""What one ``snakemake --cores 2`` makes, here without MNIST and without a network: all of it, on the digits."""

import json

import pyarrow.parquet as pq
import pytest

from gradgrid.core.book_tables import BOOK_TABLES
from gradgrid.core.cost import rows
from gradgrid.core.figures import figures
from gradgrid.core.laboratory import BY_DEPTH, BY_WIDTH, SOURCE
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.plan import BUNDLE_TABLES
from gradgrid.core.results import RESULTS
from gradgrid.core.statistics_tables import STATISTICS_TABLES

BOOK_PARTS = {
    "accuracy": ["depth=1", "depth=2"],
    "initialization": ["width=5"],
    "training_speed": ["depth=2"],
}
ALL_TABLES = {
    **RESULTS,
    **{f"book/{name}": table for name, table in BOOK_TABLES.items()},
    **{f"laboratory/{name}": table for name, table in LABORATORY_TABLES.items()},
}
"""Every table as figures name it."""
INSTEAD = "MNIST could not be downloaded: this run uses the embedded digits of scikit-learn instead."


@pytest.fixture(scope="module")
def read(finished):
    """Reads a text file of the finished run."""
    return lambda path: (finished.workspace.folder / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def table(finished):
    """Reads one of the tables of the finished run."""
    return lambda name: pq.read_table(finished.workspace.folder / "results" / "tables" / f"{name}.parquet")


def test_everything_that_was_asked_for_is_there(finished):
    bundles = [bundle.key for bundle in finished.plan.bundles]
    assert finished.ended.jobs["train"] == len(bundles) == 4
    wanted = {f"results/grid/{table}/{key}.parquet" for table in BUNDLE_TABLES for key in bundles}
    wanted |= {f"results/tables/{table}.parquet" for table in RESULTS}
    wanted |= {
        f"results/figures/{name}.{kind}" for name in figures() for kind in ("svg", "png", "csv", "json")
    }
    wanted |= {f"results/grid/state/{key}.json" for key in bundles}
    wanted |= {f"results/logs/train/{key}.log" for key in bundles}
    wanted |= {f"results/logs/figure/{name}.log" for name in figures()}
    wanted |= {f"results/logs/collect/{table}.log" for table in ("gradients", "accuracy", "clipping")}
    wanted |= {
        f"results/logs/{job}.log" for job in ("data", "runs", "cells", "compare", "provenance", "report")
    }
    wanted |= {f"results/benchmarks/train/{key}.tsv" for key in bundles}
    wanted |= {"results/data/dataset.npz", "results/data/dataset.json", "results/provenance.json"}
    wanted |= {"report/index.html"}
    wanted |= {f"report/tables/{table}.html" for table in ("cells", *STATISTICS_TABLES)}
    assert set(finished.workspace.made()) == wanted | book_files() | laboratory_files()


def book_files():
    """What the chapter leaves."""
    parts = [f"{table}/{part}" for table, jobs in BOOK_PARTS.items() for part in jobs]
    done = [*parts, "initial_speed", "identities"]
    files = {f"results/book/parts/{part}.parquet" for part in parts}
    files |= {f"results/book/{table}.parquet" for table in BOOK_TABLES}
    files |= {f"results/logs/book/{name}.log" for name in (*done, *BOOK_PARTS, "claims")}
    return files | {f"results/benchmarks/book/{name}.tsv" for name in done}


def laboratory_files():
    """What the laboratory leaves."""
    jobs = [*SOURCE, "theory", "trainability", "recurrent", *(f"remedies/depth={depth}" for depth in (2,))]
    jobs += [f"propagation/width={width}" for width in (40, 30)]
    parts = [f"{table}/width={width}" for table in BY_WIDTH for width in (40, 30)]
    parts += [f"{table}/depth={depth}" for table in BY_DEPTH for depth in (2,)]
    files = {f"results/laboratory/{table}.parquet" for table in LABORATORY_TABLES}
    files |= {f"results/laboratory/parts/{part}.parquet" for part in parts}
    files |= {f"results/logs/laboratory/{name}.log" for name in (*jobs, *BY_WIDTH, *BY_DEPTH)}
    return files | {f"results/benchmarks/laboratory/{name}.tsv" for name in jobs}


@pytest.mark.parametrize("name", LABORATORY_TABLES)
def test_a_table_of_the_laboratory_has_its_schema(finished, name):
    found = pq.read_table(finished.workspace.folder / "results" / "laboratory" / f"{name}.parquet")
    assert found.schema.equals(LABORATORY_TABLES[name].schema, check_metadata=True)
    assert len(found) > 0


@pytest.mark.parametrize("name", BOOK_TABLES)
def test_a_table_of_the_book_has_its_schema(finished, name):
    found = pq.read_table(finished.workspace.folder / "results" / "book" / f"{name}.parquet")
    assert found.schema.equals(BOOK_TABLES[name].schema, check_metadata=True)
    assert len(found) > 0


def test_claims_about_images_are_not_judged_on_the_digits(finished):
    claims = pq.read_table(finished.workspace.folder / "results" / "book" / "claims.parquet").to_pandas()
    verdicts = claims.set_index("claim_id")["verdict"].astype(str)
    assert (verdicts == "not judged").sum() > len(verdicts) / 2
    assert claims["value"].notna().any()


def test_without_book_and_laboratory_nothing_of_them_is_planned(new):
    jobs = new().snakemake("-n").jobs
    assert jobs["figure"] == sum(spec.part == "grid" for spec in figures().values())
    assert not [rule for rule in jobs if rule.startswith(("book", "laboratory"))]


def test_a_changed_experiment_trains_its_own_parts_alone(finished, tmp_path):
    workspace = finished.copy(tmp_path / "copy")
    settings = workspace.folder / "settings.yaml"
    settings.write_text(settings.read_text().replace("accuracy: {depth: [1, 2]", "accuracy: {depth: [1, 3]"))
    jobs = workspace.snakemake("-n").jobs
    assert (jobs["book_training"], jobs["book_gather"], jobs["book_claims"]) == (1, 1, 1)
    assert not {"train", "book_initial_speed", "book_identities"} & set(jobs)


@pytest.mark.parametrize("name", RESULTS)
def test_a_table_has_its_schema_its_units_and_the_rows_of_the_plan(finished, table, name):
    found = table(name)
    assert found.schema.equals(RESULTS[name].schema, check_metadata=True)
    if name not in STATISTICS_TABLES:
        assert len(found) == rows(finished.plan, finished.config, "digits")[name]
    assert found["dataset"].unique().to_pylist() == ["digits"]


def test_diverged_runs_are_results(table):
    runs = table("runs").to_pandas().set_index("run_id")
    diverged = runs[runs.status == "diverged"]
    assert 0 < len(diverged) < len(runs)
    assert (
        runs.status[(runs.initializer == "lecun_normal") & (runs.learning_rate == 0.1)] == "completed"
    ).all()
    assert diverged.diverged_at_step.notna().all()
    assert diverged.validation_accuracy.isna().all()
    assert runs.validation_accuracy[runs.status == "completed"].notna().all()


@pytest.mark.parametrize(("name", "measure"), [("gradients", "weight_norm"), ("accuracy", "accuracy")])
def test_a_diverged_run_keeps_its_rows_empty_from_the_divergence_on(table, name, measure):
    """Just before, gradients need not be numbers any more: sums over finite weights may be out of range."""
    found = table(name).to_pandas()
    ends = table("runs").to_pandas().set_index("run_id").diverged_at_step
    after = found.step >= found.run_id.map(ends).astype(float)
    assert after.any()
    assert (found[measure].isna() == after).all()
    assert name != "gradients" or found.loc[after, "bias_gradient_norm"].isna().all()


def test_that_the_digits_were_used_stands_everywhere(finished, read):
    assert INSTEAD in finished.ended.output
    assert INSTEAD in read("results/logs/data.log")
    assert INSTEAD in read("report/index.html")
    data = json.loads(read("results/data/dataset.json"))
    assert (data["requested"], data["dataset"], data["fallback"]) == ("mnist", "digits", True)
    assert data["message"].startswith(INSTEAD)
    assert json.loads(read("results/provenance.json"))["dataset"] == data
    for name, spec in figures().items():
        sidecar = json.loads(read(f"results/figures/{name}.json"))
        if "dataset" not in ALL_TABLES[spec.table].schema.names:
            assert (sidecar["dataset"], sidecar["notice"]) == ("", None)
        else:
            assert (sidecar["dataset"], INSTEAD in sidecar["notice"]) == ("digits", True)


def test_the_settings_of_a_second_file_are_those_that_are_recorded(finished, read):
    used = json.loads(read("results/provenance.json"))["config"]
    assert (used["device"], used["seeds"], used["training"]["digits_epochs"]) == ("cpu", [0, 1], 2)
    assert used["training"]["minibatch"] == finished.config.training.minibatch
    assert used["factors"]["activation"] == ["leaky_relu(negative_slope=0.1)"]
    assert used["factors"]["learning_rate"] == [0.1, 1000.0]
    assert "leaky_relu(negative_slope=0.1)" in read("report/index.html")
    assert "digits_epochs: 2" in read("report/index.html")


def test_the_provenance_says_that_all_runs_were_trained_in_this_run_of_the_workflow(finished, read):
    record = json.loads(read("results/provenance.json"))
    (training,) = record["training"]
    runs = sum(len(bundle.runs) for bundle in finished.plan.bundles)
    assert (training["runs"], training["runs_since"], training["runs_undated"]) == (runs, runs, 0)
    assert f"All {runs} runs of the grid were trained in the run of the workflow" in read("report/index.html")


def test_a_bundle_says_what_was_trained_and_what_it_took(finished, read):
    for key in (bundle.key for bundle in finished.plan.bundles):
        assert f"{key}: 8 runs of 2 epochs trained on digits, " in read(f"results/logs/train/{key}.log")
        assert "max_rss" in read(f"results/benchmarks/train/{key}.tsv")


def test_a_second_run_has_nothing_to_do(finished):
    ended = finished.workspace.snakemake("-n")
    assert (ended.status, ended.jobs) == (0, {})
    assert "Nothing to be done" in ended.output
