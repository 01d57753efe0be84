"""What the report rests on: whatever a reader should know before believing a number is in sight."""

import json

import pandas as pd
import pytest
from html_page import Page
from report_folder import build, prepare, prepare_book, record

from gradgrid.report import honesty

BEGAN = "2026-01-31T12:00:00Z"


def trained(**counts: int) -> dict:
    """A provenance with one kind of training."""
    return {"began": BEGAN, "training": [{"device": "cpu", "torch": "2.15.0", "runs": 10, **counts}]}


def runs(diverged: dict[str, int], whole: int) -> pd.DataFrame:
    """Runs at two depths, of which some with an initializer diverged."""
    lost = [name for name, number in diverged.items() for _ in range(number)]
    frame = pd.DataFrame({"initializer": [*lost, *["kept"] * whole], "depth": [8] * len(lost) + [1] * whole})
    fixed = dict.fromkeys(("activation", "clipping", "width", "optimizer", "learning_rate"), "one")
    frame = frame.assign(**fixed, normalization="none", residual="no")
    return frame.assign(status=["diverged"] * len(lost) + ["completed"] * whole)


def test_the_embedded_digits_are_said_to_stand_in():
    data = record("mnist", "digits")["dataset"]
    assert honesty.data(data) == honesty.Ground(
        "Dataset",
        "Not MNIST, which was asked for and could not be had, but the embedded digits of scikit-learn.",
        True,
    )
    assert not honesty.data(record("digits", "digits")["dataset"]).warning


def test_published_numbers_are_judged_on_mnist_alone():
    assert not honesty.published("mnist").warning
    for dataset in ("digits", "fashion_mnist"):
        ground = honesty.published(dataset)
        assert ground.warning
        assert "no claim that depends on images is judged" in ground.said


def test_one_seed_is_a_warning():
    assert honesty.replication([3]).warning
    assert honesty.replication([0, 1]).said.startswith("2 in every cell")


def test_diverged_runs_are_counted_by_every_factor_that_varies():
    found = honesty.diverged(runs({"a": 5, "b": 4, "c": 3, "d": 2, "e": 1, "f": 1}, 84))
    assert found.said == (
        "16 of 100 runs (16.0 %). By depth: 8 (16). "
        "By initializer: a (5), b (4), c (3), d (2) and 2 more (2)."
    )
    assert honesty.diverged(runs({}, 7)).said == "None of 7 runs."


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"runs_since": 10, "runs_undated": 0}, "All 10 runs of the grid were trained in the run of the workflow"),
        ({"runs_since": 4, "runs_undated": 0}, "4 of 10 runs of the grid were trained in the run of the workflow "
         "that began on 2026-01-31 12:00 UTC, 6 reused from earlier ones. A run is reused"),
        ({"runs_since": 4, "runs_undated": 3}, "reused from earlier ones, 3 of them at a time that was not noted."),
        ({"runs_since": 0, "runs_undated": 0}, "0 of 10 runs of the grid were trained"),
    ],
)  # fmt: skip
def test_trained_and_reused_runs_are_told_apart(counts, said):
    assert said in honesty.reused(trained(**counts)).said


def test_outside_of_a_workflow_all_runs_were_there_before():
    assert "all were there before" in honesty.reused({"began": None, "training": []}).said


def test_mixed_devices_and_versions_are_a_warning():
    cpu, gpu = (
        {"device": device, "torch": torch, "runs": 5, "bundles": 1, "seconds": 3.0}
        for device, torch in (("cpu", "2.15.0"), ("NVIDIA X", "2.14.0"))
    )
    assert honesty.trained_on([cpu]).said == "CPU, PyTorch 2.15.0 (5 runs), the same for all runs."
    mixed = honesty.trained_on([cpu, gpu])
    assert mixed.warning
    assert mixed.said.startswith("Mixed: ")
    assert mixed.said.endswith("CPU, PyTorch 2.15.0 (5 runs) and NVIDIA X, PyTorch 2.14.0 (5 runs).")
    assert honesty.trained_on([]).warning


@pytest.mark.parametrize(
    ("git", "warning", "said"),
    [
        ({"commit": "0123456789abcdef", "state": "clean"}, False, "Commit 0123456789ab, unchanged."),
        ({"commit": "0123456789abcdef", "state": "modified"}, True, "with changes"),
        (
            {"commit": None, "state": "not a git checkout"},
            True,
            "Not a git checkout: no commit says what ran.",
        ),
    ],
)
def test_a_source_that_no_commit_names_is_a_warning(git, warning, said):
    ground = honesty.source(git)
    assert ground.warning == warning
    assert said in ground.said


def test_all_of_it_stands_near_the_head_of_the_page(tmp_path):
    folder = prepare_book(tmp_path, dataset="digits")
    path = folder / "provenance.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"began": BEGAN}))
    text = build(folder)
    head = Page(text.partition('<header class="head">')[2].partition("</header>")[0]).text
    assert "its numbers, of MNIST, are shown beside and not judged" in head
    rests = Page(text.partition('id="run-rests"')[2].partition("</dl>")[0]).text
    for name in (
        "Dataset",
        "Published numbers",
        "Seeds",
        "Diverged",
        "Trained and reused",
        "Trained on",
        "Source",
    ):
        assert name in rests
    assert text.index('id="run-rests"') < text.index('<section id="book"')
    assert (
        "warned" in text.partition('class="rests"')[2].partition("Dataset")[0]
    )  # not MNIST, which was asked for


def test_a_provenance_of_an_earlier_version_is_read(tmp_path):
    folder = prepare(tmp_path)
    found = json.loads((folder / "provenance.json").read_text())
    assert "began" not in found
    assert "Trained and reused No run of the workflow gathered these runs" in Page(build(folder)).text
