"""What `gradgrid plan`, `why` and `forget` say of results, and that it is what a job is told."""

import json

import pytest
from configs import config
from prepared_data import prepare

from gradgrid import cli
from gradgrid.core.basis import Basis
from gradgrid.core.cost import Machine
from gradgrid.core.errors import GradgridError
from gradgrid.core.fingerprints import TrainingSource
from gradgrid.core.plan import plan
from gradgrid.core.prepared import RECORD, Prepared, prepared
from gradgrid.core.states import GRID, State, sizes, state_file, table_files
from gradgrid.core.status import Status, why_text
from gradgrid.core.work import examine

NORM = [{"norm": 1.0}, {"norm": 5.0}]
SMALL = {"depth": [1, 2], "initializer": ["normal", "lecun_normal"], "clipping": NORM[:1]}
LARGER = {"depth": [1, 2], "initializer": ["normal", "lecun_normal", "lsuv"], "clipping": NORM}


def train(folder, settings, generation=1):
    """What jobs leave that have trained all runs: the files have no content but a size."""
    prepare(folder, settings)
    for bundle in plan(settings).bundles:
        files = table_files(bundle.key, folder / GRID)
        for path in files.values():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"rows")
        basis = Basis.of(bundle.runs, settings.training, settings.dataset.name, "d", TrainingSource())
        runs = tuple(run.run_id for run in bundle.runs)
        State(generation, basis, runs, sizes(files)).write(state_file(bundle.key, folder / GRID))


@pytest.fixture
def folder(tmp_path):
    """A folder of the workflow in which the small grid is trained."""
    (tmp_path / RECORD).parent.mkdir(parents=True)
    train(tmp_path, config(**SMALL))
    return tmp_path


def text(folder, settings):
    return Status.of(settings, folder).text(Machine(2)).splitlines()


def test_all_fresh(folder):
    assert text(folder, config(**SMALL)) == ["8 runs, all fresh"]


def test_nothing_is_trained_yet(tmp_path):
    said = text(tmp_path, config(**SMALL))
    assert said[0] == "8 runs: 0 fresh, 8 to train: new (8)"
    assert said[-1].startswith("the dataset is prepared first")


def test_new_levels_are_named_and_each_run_is_counted_once(folder):
    said = text(folder, config(**LARGER, seeds=3))
    assert said[0] == (
        "36 runs: 8 fresh, 28 to train: clipping norm=5: new (12); initializer lsuv: new (12); seed 2: new (4)"
    )
    assert said[1].endswith("on 2 cores, on mnist")
    assert said[2] == (
        "  depth=1/activation=sigmoid/width=30/seeds=all/cells=all  18 runs: 4 fresh, 14 to train: "
        "clipping norm=5: new (6); initializer lsuv: new (6); seed 2: new (2)"
    )
    assert len(said) == 2 + 2


def test_dropped_runs_are_counted(folder):
    assert text(folder, config(**(SMALL | {"initializer": "normal"})))[0] == (
        "4 runs, all fresh; 4 runs no longer asked for"
    )


def test_changed_recipes_and_data_are_named(folder):
    said = text(folder, config(**SMALL, training={"epochs": 7}))[0]
    assert said == "8 runs: 0 fresh, 8 to train: epochs: 7, was 5 and measured steps changed (8)"
    prepare(folder, config(**SMALL), digest="e")
    assert text(folder, config(**SMALL))[0] == (
        "8 runs: 0 fresh, 8 to train: dataset: the images of mnist changed (8)"
    )


def test_the_record_for_machines_adds_up(folder):
    record = Status.of(config(**LARGER), folder).record(Machine(2))
    assert json.loads(json.dumps(record)) == record
    assert record["runs"] == record["fresh"] + record["train"] == 24
    assert sum(record["reasons"].values()) == record["train"] == 16
    assert sum(len(bundle["train"]) for bundle in record["bundles"]) == 16
    assert set(record["reasons"]) == {why for bundle in record["bundles"] for why in bundle["train"].values()}


def test_why_a_run_and_a_cell(folder):
    status = Status.of(config(**LARGER), folder)
    fresh = plan(config(**SMALL)).runs[0]
    (record,) = status.why(fresh.run_id)
    assert (record["state"], record["reason"], record["initializer"]) == ("fresh", None, "normal")
    assert "fresh: its fingerprint holds" in why_text([record])
    lsuv = next(run for run in plan(config(**LARGER)).runs if run.cell.initializer.name == "lsuv")
    records = status.why(lsuv.cell.cell_id)
    assert {record["reason"] for record in records} == {"initializer lsuv: new"}
    assert [record["seed"] for record in records] == [0, 1]


def test_forgotten_runs_are_trained_again_and_the_others_are_kept(folder):
    settings = config(**SMALL)
    run = plan(settings).runs[0]
    bundle = next(bundle for bundle in plan(settings).bundles if run in bundle.runs)
    assert Status.of(settings, folder).forget([run.run_id], folder) == [run]
    assert text(folder, settings)[0] == "8 runs: 7 fresh, 1 to train: forgotten (1)"
    basis = Basis.of(bundle.runs, settings.training, "mnist", "d", TrainingSource())
    generation = examine(bundle, basis, folder / GRID).generation
    assert generation == examine(bundle, basis, folder / GRID).generation != 1
    assert len(Status.of(settings, folder).forget([run.cell.cell_id], folder)) == 1, (
        "one is forgotten already"
    )


def test_names_that_the_plan_does_not_have_forget_nothing(folder):
    status = Status.of(config(**SMALL), folder)
    before = {path: path.read_bytes() for path in (folder / GRID / "state").rglob("*.json")}
    with pytest.raises(GradgridError, match="0123456789: no run and no cell of this configuration"):
        status.forget([plan(config(**SMALL)).runs[0].run_id, "0123456789"], folder)
    assert {path: path.read_bytes() for path in before} == before


def test_the_commands(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    (folder / "config.yaml").write_text(
        "seeds: 2\nfactors: {depth: [1, 2], activation: sigmoid, initializer: [normal, lecun_normal], "
        "clipping: {norm: 1.0}}\n"
    )
    run = plan(config(**SMALL)).runs[0]
    assert cli.main(["plan"]) == 0
    assert capsys.readouterr().out.endswith("\n\n8 runs, all fresh\n")
    assert cli.main(["forget", run.run_id]) == 0
    assert capsys.readouterr().out == "1 run will be trained again\n"
    assert cli.main(["why", run.run_id, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["reason"] == "forgotten"
    assert cli.main(["plan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["train"] == 1
    assert cli.main(["why", "nobody"]) == 1
    assert capsys.readouterr().err.startswith("nobody: no run and no cell")


class TestPreparedData:
    """What the plan knows of the images before anything runs."""

    settings = config()

    def test_none_yet(self, tmp_path):
        assert prepared(self.settings.dataset, tmp_path / RECORD) == Prepared(1, None)

    def test_a_damaged_record(self, tmp_path):
        prepare(tmp_path, self.settings)
        (tmp_path / RECORD).write_text("{")
        assert prepared(self.settings.dataset, tmp_path / RECORD) == Prepared(1, None)

    def test_as_it_was_asked_for(self, tmp_path):
        prepare(tmp_path, self.settings)
        assert prepared(self.settings.dataset, tmp_path / RECORD) == Prepared(1, ("mnist", "d"))

    def test_other_settings(self, tmp_path):
        prepare(tmp_path, self.settings)
        other = self.settings.dataset.model_copy(update={"name": "kmnist"})
        assert prepared(other, tmp_path / RECORD) == Prepared(2, None)

    def test_after_a_fallback_nothing_better(self, tmp_path, monkeypatch):
        monkeypatch.delenv("MNIST_DIR", raising=False)
        prepare(tmp_path, self.settings, fallback=True, mirrors=[(tmp_path / "absent").as_uri()])
        assert prepared(self.settings.dataset, tmp_path / RECORD) == Prepared(1, ("digits", "d"))

    def test_after_a_fallback_a_mirror_that_answers(self, tmp_path, monkeypatch):
        monkeypatch.delenv("MNIST_DIR", raising=False)
        prepare(tmp_path, self.settings, fallback=True, mirrors=[(tmp_path / RECORD).as_uri()])
        assert prepared(self.settings.dataset, tmp_path / RECORD) == Prepared(2, None)

    def test_after_a_fallback_a_folder(self, tmp_path, monkeypatch):
        prepare(tmp_path, self.settings, fallback=True)
        monkeypatch.setenv("MNIST_DIR", str(tmp_path))
        assert prepared(self.settings.dataset, tmp_path / RECORD) == Prepared(2, None)
