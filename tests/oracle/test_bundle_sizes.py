"""Bundles of another size take over the runs that there are: nothing is trained again, and the numbers are the same."""

import shutil

import pytest
import training
from configs import config
from pages import change_page
from prepared_data import prepare

from gradgrid.core.basis import Basis
from gradgrid.core.cost import Machine
from gradgrid.core.fingerprints import TrainingSource
from gradgrid.core.merge import merge
from gradgrid.core.parquet import read_frame
from gradgrid.core.plan import BundleJob, plan
from gradgrid.core.states import GRID, table_files
from gradgrid.core.status import Status
from gradgrid.core.work import DAMAGED, examine
from gradgrid.train.bundle import DataFile, train_bundle

DATA = training.dataset(images=57)
LONG, SHORT = 10.0, 0.01
LOADED = []


def asked(minutes, seeds=2, initializer=("normal", "lecun_normal")):
    levels = {"depth": 1, "width": 6, "initializer": list(initializer)}
    recipe = {"digits_epochs": 1, "measure_steps": [3]}
    return config(seeds=seeds, training=recipe, execution={"bundle_minutes": minutes}, **levels)


def load():
    LOADED.append(1)
    return DATA


def trained(folder, settings):
    """Bring a folder up to date; the work that there was for each bundle."""
    prepare(folder, settings, digest=DATA.digest, fallback=True)
    works = []
    for bundle in plan(settings).bundles:
        job = BundleJob(bundle, settings.training, "cpu", settings.execution)
        basis = Basis.of(bundle.runs, settings.training, "digits", DATA.digest, TrainingSource())
        works.append(examine(bundle, basis, folder / GRID))
        train_bundle(job, works[-1].generation, DataFile("digits", DATA.digest, load), folder / GRID)
    return works


def numbers(folder, settings):
    """All tables of all bundles, as text, but for the time it took."""
    files = [table_files(bundle.key, folder / GRID) for bundle in plan(settings).bundles]
    return [
        read_frame(path).drop(columns="seconds", errors="ignore").to_csv()
        for of_bundle in files
        for path in of_bundle.values()
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Two seeds in one bundle."""
    folder = tmp_path_factory.mktemp("whole") / "grid"
    trained(folder, asked(LONG))
    return folder


@pytest.fixture
def folder(whole, tmp_path):
    LOADED.clear()
    return shutil.copytree(whole, tmp_path / "grid")


def test_smaller_bundles_take_over_all_runs(folder, tmp_path):
    status = Status.of(asked(SHORT), folder)
    assert status.text(Machine(2)).startswith(
        "4 runs, all fresh; 4 of the fresh ones taken over from bundles of another size"
    )
    works = trained(folder, asked(SHORT))
    assert [(len(work.moved), work.trained) for work in works] == [(2, ()), (2, ())]
    assert not LOADED
    trained(tmp_path / "fresh", asked(SHORT))
    assert numbers(folder, asked(SHORT)) == numbers(tmp_path / "fresh", asked(SHORT))
    assert not any(work.needed for work in trained(folder, asked(SHORT)))


def test_larger_bundles_take_over_what_smaller_ones_hold(folder, tmp_path):
    trained(folder, asked(SHORT, seeds=3))  # cut into four, of which the fourth is empty
    (work,) = trained(folder, asked(LONG, seeds=3))
    assert (len(work.kept), len(work.moved), work.trained) == (6, 2, ())
    trained(tmp_path / "fresh", asked(LONG, seeds=3))
    assert numbers(folder, asked(LONG, seeds=3)) == numbers(tmp_path / "fresh", asked(LONG, seeds=3))


def test_what_cannot_be_read_is_trained(folder, tmp_path):
    (bundle,) = plan(asked(LONG)).bundles
    change_page(table_files(bundle.key, folder / GRID)["accuracy"], "accuracy")
    trained(folder, asked(SHORT))
    assert len(LOADED) == 2
    trained(tmp_path / "fresh", asked(SHORT))
    assert numbers(folder, asked(SHORT)) == numbers(tmp_path / "fresh", asked(SHORT))


def test_of_a_file_that_has_changed_nothing_is_taken_over(folder):
    (bundle,) = plan(asked(LONG)).bundles
    path = table_files(bundle.key, folder / GRID)["runs"]
    path.write_bytes(path.read_bytes()[:-1])
    works = trained(folder, asked(SHORT))
    assert [(len(work.moved), len(work.trained)) for work in works] == [(0, 2), (0, 2)]
    assert DAMAGED not in {reason for work in works for why in work.reasons.values() for reason in why}


def test_forgotten_runs_are_not_taken_over(folder):
    forgotten = plan(asked(SHORT)).runs[0]
    assert Status.of(asked(SHORT), folder).forget([forgotten.run_id], folder) == [forgotten]
    works = trained(folder, asked(SHORT))
    assert [run for work in works for run in work.trained] == [forgotten]


def test_why_names_the_bundle_that_holds_a_run(folder):
    run = plan(asked(SHORT)).runs[0]
    (record,) = Status.of(asked(SHORT), folder).why(run.run_id)
    assert (record["state"], record["bundle"]) == ("fresh", plan(asked(LONG)).bundles[0].key)


@pytest.mark.parametrize(("ours", "theirs"), [(SHORT, LONG), (LONG, SHORT)])
def test_merging_folders_with_bundles_of_different_size(tmp_path, ours, theirs):
    both = ("normal", "sparse")
    trained(tmp_path / "ours", asked(ours, initializer=["normal"]))
    trained(tmp_path / "theirs", asked(theirs, seeds=3, initializer=["sparse"]))
    found = merge(asked(ours, initializer=both), tmp_path / "theirs", tmp_path / "ours")
    assert (found.taken, found.refused) == (2, {"not asked for by this configuration": 1})
    LOADED.clear()
    trained(tmp_path / "ours", asked(ours, initializer=both))
    assert not LOADED
    trained(tmp_path / "fresh", asked(ours, initializer=both))
    assert numbers(tmp_path / "ours", asked(ours, initializer=both)) == numbers(
        tmp_path / "fresh", asked(ours, initializer=both)
    )
