"""Two folders that each trained a part become one, and no run is taken that is not the same."""

import shutil

import pytest
import training
from configs import config
from prepared_data import prepare

from gradgrid import cli
from gradgrid.core.basis import Basis
from gradgrid.core.cost import Machine
from gradgrid.core.errors import GradgridError
from gradgrid.core.fingerprints import TrainingSource
from gradgrid.core.merge import UNKNOWN, merge
from gradgrid.core.parquet import read_frame
from gradgrid.core.plan import BundleJob, plan
from gradgrid.core.states import GRID, state_file, table_files
from gradgrid.core.status import Status
from gradgrid.core.work import examine
from gradgrid.train.bundle import DataFile, train_bundle

DATA = training.dataset(images=57)
RECIPE = {"digits_epochs": 1, "measure_steps": [3]}


def asked(recipe=RECIPE, **changes):
    levels = {"depth": 1, "width": 6, "initializer": ["normal", "lecun_normal", "sparse"]}
    short = {"bundle_minutes": 0.01}  # one seed a bundle
    return config(seeds=changes.pop("seeds", 2), training=recipe, execution=short, **(levels | changes))


def trained(folder, settings):
    """A folder in which everything is trained."""
    prepare(folder, settings, digest=DATA.digest, fallback=True)
    for bundle in plan(settings).bundles:
        job = BundleJob(bundle, settings.training, "cpu", settings.execution)
        basis = Basis.of(bundle.runs, settings.training, "digits", DATA.digest, TrainingSource())
        generation = examine(bundle, basis, folder / GRID).generation
        train_bundle(job, generation, DataFile("digits", DATA.digest, lambda: DATA), folder / GRID)
    return folder


def numbers(folder, settings):
    """The runs table of all bundles, as text, but for the time it took."""
    files = [table_files(bundle.key, folder / GRID)["runs"] for bundle in plan(settings).bundles]
    return [read_frame(path).drop(columns="seconds").to_csv() for path in files]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Ours has two initializers, theirs one of them and another."""
    base = tmp_path_factory.mktemp("folders")
    ours = trained(base / "ours", asked(initializer=["normal", "lecun_normal"]))
    theirs = trained(base / "theirs", asked(initializer=["sparse", "normal"], seeds=3))
    return ours, theirs


@pytest.fixture
def ours(folders, tmp_path):
    return shutil.copytree(folders[0], tmp_path / "ours")


@pytest.fixture
def theirs(folders, tmp_path):
    return shutil.copytree(folders[1], tmp_path / "theirs")


def test_what_ours_lacks_is_taken_and_the_rest_stays(ours, theirs, tmp_path):
    found = merge(asked(), theirs, ours)
    assert (found.taken, found.here, found.refused) == (2, 2, {"not asked for by this configuration": 2})
    status = Status.of(asked(), ours)
    assert status.text(Machine(2)) == "6 runs, all fresh"
    trained(ours, asked())  # the jobs look at the files, and find nothing to train
    assert numbers(ours, asked()) == numbers(trained(tmp_path / "fresh", asked()), asked())
    assert merge(asked(), theirs / "results", ours).text().startswith("0 runs taken over; 4 here already")


def test_into_an_empty_folder(theirs, tmp_path):
    prepare(tmp_path / "new", asked(), digest=DATA.digest, fallback=True)
    assert merge(asked(), theirs, tmp_path / "new").taken == 4
    assert "6 runs: 4 fresh, 2 to train" in Status.of(asked(), tmp_path / "new").text(Machine(2))


def test_other_recipes_and_runs_that_nobody_asks_for_are_refused(ours, theirs):
    before = numbers(ours, asked(initializer=["normal", "lecun_normal"]))
    longer = asked(RECIPE | {"digits_epochs": 2}, initializer=["sparse", "lecun_normal"])
    found = merge(longer, theirs, ours)
    assert found.taken == 0
    assert found.refused == {"epochs: 2, was 1": 2, "not asked for by this configuration": 4}
    assert numbers(ours, asked(initializer=["normal", "lecun_normal"])) == before
    for bundle in plan(asked(seeds=3)).bundles:
        state_file(bundle.key, theirs / GRID).unlink()
    assert merge(longer, theirs, ours).refused[UNKNOWN] == 2


def test_damaged_files_are_refused(ours, theirs):
    bundle = plan(asked(seeds=3)).bundles[0]
    path = table_files(bundle.key, theirs / GRID)["gradients"]
    content = bytearray(path.read_bytes())
    content[60] ^= 255
    path.write_bytes(content)
    found = merge(asked(), theirs, ours)
    assert found.taken == 1
    assert found.refused == {"its files are damaged": 1, "not asked for by this configuration": 2}


def test_files_of_ours_that_are_damaged_are_named_and_left_alone(ours, theirs):
    (bundle, _) = plan(asked(initializer=["normal", "lecun_normal"])).bundles
    path = table_files(bundle.key, ours / GRID)["gradients"]
    content = bytearray(path.read_bytes())
    content[60] ^= 255
    path.write_bytes(content)
    with pytest.raises(
        GradgridError, match=r"its bundle is damaged .*delete it, run the workflow, then merge again"
    ):
        merge(asked(), theirs, ours)
    assert path.read_bytes() == content


def test_nothing_to_merge_is_said_clearly(ours, theirs, tmp_path, monkeypatch, capsys):
    with pytest.raises(GradgridError, match="no results; name the folder that holds grid/runs"):
        merge(asked(), tmp_path, ours)
    with pytest.raises(GradgridError, match=r"dataset\.json: the dataset is not prepared here yet"):
        merge(asked(), theirs, tmp_path)
    monkeypatch.chdir(ours)
    assert cli.main(["merge", str(tmp_path / "nowhere"), "--config", "nowhere.yaml"]) == 1
    assert "nowhere.yaml" in capsys.readouterr().err
