"""What is recorded of the environment, and what is not."""

import getpass
import json
import platform
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gradgrid.core import provenance
from gradgrid.core.config import from_merged
from gradgrid.core.errors import GradgridError
from gradgrid.core.trainings import BEGAN, TRAINING_KEY, training

CONFIG = from_merged(
    {
        "dataset": {"root": "/home/jo/data/mnist"},
        "seeds": 2,
        "factors": {
            "depth": [1, 2],
            "activation": "relu",
            "initializer": ["lecun_normal", {"normal": {"std": 0.05}}],
            "clipping": [None, {"norm": 1.0}],
            "normalization": [None, "batch"],
            "residual": [False, True],
        },
    },
    [],
)


def _git(folder, *command):
    identity = ["-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *command], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    _git(tmp_path, "init")
    (tmp_path / "kept").write_text("one")
    _git(tmp_path, "add", "kept")
    _git(tmp_path, "commit", "-m", "first")
    return tmp_path


def test_git_state_names_the_commit_and_whether_tracked_files_differ(checkout):
    clean = provenance.git_state(checkout)
    assert re.fullmatch("[0-9a-f]{40}", clean["commit"])
    assert (clean["dirty"], clean["state"]) == (False, "clean")
    (checkout / "kept").write_text("two")
    modified = provenance.git_state(checkout)
    assert (modified["commit"], modified["dirty"], modified["state"]) == (clean["commit"], True, "modified")


def test_outside_a_checkout_the_state_says_so(tmp_path):
    assert provenance.git_state(tmp_path) == {"commit": None, "dirty": None, "state": "not a git checkout"}


def test_without_git_the_state_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.git_state(tmp_path)["state"] == "not a git checkout"


def test_time_honours_source_date_epoch(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert provenance.now() == "1970-01-02T00:00:00Z"


def test_a_wrong_source_date_epoch_is_a_clear_error(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(GradgridError, match="SOURCE_DATE_EPOCH is 'yesterday'"):
        provenance.now()


def test_versions_and_hardware_are_filled():
    record = provenance.environment()
    assert set(record["versions"]) == {"python", *provenance.PACKAGES}
    assert record["versions"]["python"] == platform.python_version()
    assert record["versions"]["numpy"][0].isdigit()
    assert record["hardware"]["cpu"]
    assert record["hardware"]["cores"] >= 1


def test_versions_are_read_without_importing_the_packages():
    script = "import sys; from gradgrid.core import provenance as p; p.environment(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert not {"torch", "numpy", "matplotlib", "pyarrow", "pandas"} & set(loaded.split())


def test_no_host_name_and_no_user_path_is_recorded(tmp_path):
    dataset = tmp_path / "dataset.json"
    dataset.write_text(json.dumps({"source": f"{tmp_path}/mnist", "message": "no files in '/srv/my data/x'"}))
    out = tmp_path / "results" / "provenance.json"
    provenance.write(out, dataset=dataset, config=CONFIG, folder=tmp_path)
    text = out.read_text(encoding="utf-8")
    record = json.loads(text)
    assert record["dataset"] == {"source": "…/mnist", "message": "no files in '…/x'"}
    assert record["config"]["dataset"]["root"] == "…/mnist"
    assert str(tmp_path) not in text
    assert not (len(platform.node()) > 3 and platform.node() in text)
    assert f"/home/{getpass.getuser()}" not in text


@pytest.mark.parametrize(
    ("text", "shortened"),
    [
        ("{root: /home/jo/mnist, fallback: digits}", "{root: …/mnist, fallback: digits}"),
        ("root: '/Users/jo bloggs/my data/mnist/'", "root: '…/mnist'"),
        (r"root: C:\Users\jo\mnist", "root: …/mnist"),
        (f"root: {Path.home()}/mnist", "root: ~/mnist" if len(str(Path.home())) > 1 else "root: …/mnist"),
        (
            "# variance 1/n, auto/cpu, https://example.org/a/b",
            "# variance 1/n, auto/cpu, https://example.org/a/b",
        ),
        ("see results/data/dataset.json", "see results/data/dataset.json"),
    ],
)
def test_absolute_paths_are_shortened_and_nothing_else(text, shortened):
    assert provenance.without_paths(text) == shortened


def test_settings_name_the_levels_as_the_tables_do():
    settings = provenance.settings(CONFIG)
    assert list(settings) == [
        "dataset",
        "device",
        "seeds",
        "training",
        "verdicts",
        "book",
        "laboratory",
        "execution",
        "factors",
    ]
    assert settings["seeds"] == [0, 1]
    assert settings["factors"] == {
        "depth": [1, 2],
        "activation": ["relu"],
        "initializer": ["lecun_normal", "normal(std=0.05)"],
        "clipping": ["none", "norm=1"],
        "width": [30],
        "optimizer": ["sgd"],
        "learning_rate": [0.1],
        "normalization": ["none", "batch"],
        "residual": ["no", "yes"],
    }


def _bundle(path, **facts):
    metadata = {TRAINING_KEY: json.dumps([facts | {"runs": ["a", "b"]}])} if facts else None
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata(metadata), path)
    return path


def test_bundles_that_trained_alike_are_one_entry_and_others_stand_apart(tmp_path):
    facts = [
        {"device": "cpu", "seconds": 2.0, "peak_memory_mib": 5},
        {"device": "cpu", "seconds": 3.0, "peak_memory_mib": 4},
        {"device": "an accelerator", "seconds": 1.0, "peak_memory_mib": 9},
    ]
    files = [_bundle(tmp_path / f"{i}.parquet", **one) for i, one in enumerate(facts)]
    assert training(files) == [
        {"device": "an accelerator", "bundles": 1, "runs": 2, "peak_memory_mib": 9, "seconds": 1.0},
        {"device": "cpu", "bundles": 2, "runs": 4, "peak_memory_mib": 5, "seconds": 5.0},
    ]


def test_runs_that_were_trained_since_the_workflow_began_are_counted(tmp_path):
    facts = [{"device": "cpu", "ended": 99}, {"device": "cpu", "ended": 100}, {"device": "cpu"}]
    files = [_bundle(tmp_path / f"{i}.parquet", **one) for i, one in enumerate(facts)]
    (entry,) = training(files, began=100)
    assert entry == {
        "device": "cpu", "bundles": 3, "runs": 6, "runs_since": 2, "runs_undated": 2, "ended": 100,
    }  # fmt: skip


@pytest.mark.parametrize(("began", "written"), [("86400", "1970-01-02T00:00:00Z"), (None, None)])
def test_when_the_workflow_began_is_written_down(tmp_path, monkeypatch, began, written):
    monkeypatch.delenv(BEGAN, raising=False)
    if began:
        monkeypatch.setenv(BEGAN, began)
    (tmp_path / "dataset.json").write_text("{}")
    provenance.write(tmp_path / "p.json", dataset=tmp_path / "dataset.json", config=CONFIG)
    assert json.loads((tmp_path / "p.json").read_text())["began"] == written


def test_a_bundle_that_does_not_say_what_trained_it_is_a_clear_error(tmp_path):
    with pytest.raises(GradgridError, match=r"bundle\.parquet: does not say what trained it"):
        training([_bundle(tmp_path / "bundle.parquet")])


def test_a_missing_data_file_is_a_clear_error(tmp_path):
    with pytest.raises(GradgridError, match=r"dataset\.json: cannot be read"):
        provenance.write(tmp_path / "p.json", dataset=tmp_path / "dataset.json", config=CONFIG)
    assert not (tmp_path / "p.json").exists()
