"""The benchmark's stand-in for training leaves what training leaves: planning keeps it, and tables are made of it."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from configs import config

from gradgrid.analysis.collect import collect, collect_runs
from gradgrid.core.basis import Basis
from gradgrid.core.cost import rows
from gradgrid.core.fingerprints import TrainingSource
from gradgrid.core.plan import BUNDLE_TABLES, BundleJob, plan
from gradgrid.core.states import state_file, table_files
from gradgrid.core.work import examine

SETTINGS = config(depth=[1, 3], clipping=[None, {"norm": 1.0}], seeds=2)
DATASET = ("digits", "d")


@pytest.fixture
def grid(tmp_path, monkeypatch):
    """The files of all bundles."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    from benchmarks.stand_in import stand_in

    for bundle in plan(SETTINGS).bundles:
        job = BundleJob(bundle, SETTINGS.training, SETTINGS.device, SETTINGS.execution)
        stand_in(job, 7, DATASET, TrainingSource(), tmp_path)
    return tmp_path


@pytest.mark.parametrize("with_states", [True, False])
def test_nothing_is_left_to_do(grid, with_states):
    for bundle in plan(SETTINGS).bundles:
        if not with_states:
            state_file(bundle.key, grid).unlink()
        basis = Basis.of(bundle.runs, SETTINGS.training, *DATASET, TrainingSource())
        assert examine(bundle, basis, grid).reasons == {}


def test_tables_have_the_rows_that_the_plan_foresees(grid):
    asked = plan(SETTINGS)
    files = {
        table: [table_files(bundle.key, grid)[table] for bundle in asked.bundles] for table in BUNDLE_TABLES
    }
    collect_runs(files["runs"], files["gradients"], grid / "runs.parquet")
    for table in ("gradients", "accuracy", "clipping"):
        collect(table, files[table], grid / f"{table}.parquet")
    foreseen = rows(asked, SETTINGS, "digits")
    for table in BUNDLE_TABLES:
        assert pq.read_metadata(grid / f"{table}.parquet").num_rows == foreseen[table]


def test_the_bundles_folder_is_a_dataset_of_the_same_rows(grid):
    asked = plan(SETTINGS)
    collect(
        "gradients",
        [table_files(bundle.key, grid)["gradients"] for bundle in asked.bundles],
        grid / "all.parquet",
    )
    deep = {"filters": [("depth", "==", 3)], "partitioning": None}
    found = pq.read_table(grid / "gradients", **deep)
    table = pq.read_table(grid / "all.parquet", **deep)
    assert sorted(map(repr, found.to_pylist())) == sorted(map(repr, table.to_pylist()))
    assert len(found) > 0


def test_row_groups_say_which_depths_they_hold(grid, monkeypatch):
    monkeypatch.setattr("gradgrid.analysis.collect.ROW_GROUP", 1)
    asked = plan(SETTINGS)
    collect(
        "gradients",
        [table_files(bundle.key, grid)["gradients"] for bundle in asked.bundles],
        grid / "all.parquet",
    )
    metadata = pq.read_metadata(grid / "all.parquet")
    place = metadata.schema.names.index("depth")
    groups = [metadata.row_group(number).column(place) for number in range(metadata.num_row_groups)]
    assert {(group.statistics.min, group.statistics.max) for group in groups} == {(1, 1), (3, 3)}
