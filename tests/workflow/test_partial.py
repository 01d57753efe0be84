"""A report from what is there: while the rest is still to be trained, and without a trace in the runs to come."""

import html
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import report_folder
from grid import files, numbers
from small import SETTINGS, WITH_ALL

from gradgrid import partial
from gradgrid.core.config import load
from gradgrid.core.errors import GradgridError
from gradgrid.core.figures import figures
from gradgrid.core.plan import plan
from gradgrid.core.results import RESULTS

TARGETS = [f"results/tables/{table}.parquet" for table in RESULTS]


def report_partial(workspace):
    """What the command line says."""
    command = [sys.executable, "-m", "gradgrid.cli", "report", "--partial"]
    configuration = ["--config", "config.yaml", "settings.yaml"]
    ended = subprocess.run(
        [*command, *configuration],
        cwd=workspace.folder,
        env=workspace.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def without(workspace, bundles, *parts):
    """The folder with the grid's settings alone, and without the files of some bundles, and some folders."""
    (workspace.folder / "settings.yaml").write_text(SETTINGS, encoding="utf-8")
    for bundle in bundles:
        for path in files(workspace.folder, bundle.key).values():
            path.unlink()
        (workspace.folder / "results/grid/state" / f"{bundle.key}.json").unlink()
    for part in parts:
        shutil.rmtree(workspace.folder / part)
    return workspace


def assert_undisturbed(workspace, finished):
    """The grid's tables hold what those of the undisturbed run hold."""
    for table in TARGETS:
        made, undisturbed = (numbers(each.folder / table) for each in (workspace, finished.workspace))
        assert made.equals(undisturbed), table
        assert not {b"gradgrid.part"} & set(pq.read_schema(workspace.folder / table).metadata)


@pytest.mark.slow
def test_a_partial_report_leaves_no_trace_in_the_run_that_follows(finished, tmp_path):
    bundles = finished.plan.bundles
    workspace = without(finished.copy(tmp_path / "grid"), bundles[1:3], "results/tables", "report")
    before, planned = set(workspace.made()), workspace.snakemake("-n", *TARGETS).jobs
    assert report_partial(workspace) == (0, "report/partial.html: 16 of 32 runs\n")
    made = set(workspace.made()) - before
    assert made
    assert all(path.startswith(("results/partial/", "report/partial.html")) for path in made)
    page = (workspace.folder / "report/partial.html").read_text(encoding="utf-8")
    assert "<strong>Partial: 16 of 32 runs.</strong>" in page
    cells = pd.read_parquet(workspace.folder / "results/partial/tables/cells.parquet")
    assert len(cells) == 16
    assert cells["seeds"].tolist() == [1] * 16
    ended = workspace.snakemake(*TARGETS)
    assert (ended.status, ended.jobs) == (0, planned), ended.output
    assert ended.jobs["train"] == 2
    assert_undisturbed(workspace, finished)


@pytest.mark.slow
def test_a_report_can_be_had_while_the_rest_is_being_trained(finished, tmp_path):
    parts = ("results/tables", "results/figures", "report")
    workspace = without(finished.copy(tmp_path / "grid"), finished.plan.bundles, *parts)
    (workspace.folder / "report").mkdir()
    finished_one = workspace.folder / "results/grid/state"
    with workspace.started("--cores", "1") as running:
        running.wait_until(lambda: list(finished_one.rglob("*.json")))
        status, said = report_partial(workspace)
        ended = running.end()
    assert status == 0, said
    assert re.fullmatch(r"report/partial\.html: (8|16|24|32) of 32 runs\n", said)
    assert (ended.status, ended.jobs["train"]) == (0, 4), ended.output
    assert_undisturbed(workspace, finished)
    for path in (workspace.folder / "results/figures").glob("*.svg"):
        undisturbed = finished.workspace.folder / "results/figures" / path.name
        assert path.read_bytes() == undisturbed.read_bytes(), path.name


@pytest.fixture
def report(finished, tmp_path, monkeypatch):
    """Reports a copy of the finished folder in this process, its figures not drawn; gives folder, part and page."""
    folder = finished.copy(tmp_path / "grid").folder
    monkeypatch.chdir(folder)

    def drawn(name, tables, stem, notice):
        stem.parent.mkdir(parents=True, exist_ok=True)
        spec = figures()[name]
        report_folder.figure(stem.parent, name, spec.chapter, spec.order)

    monkeypatch.setattr(partial, "draw", drawn)

    def report(settings=WITH_ALL):
        (folder / "settings.yaml").write_text(settings, encoding="utf-8")
        part = partial.report(load("config.yaml", "settings.yaml"), folder / "config.yaml")
        return part, html.unescape((folder / "report/partial.html").read_text(encoding="utf-8"))

    return report


def partial_table(name):
    return pd.read_parquet(partial.FOLDER / "tables" / f"{name}.parquet")


def test_runs_that_no_longer_belong_to_the_configuration_are_left_out(finished, report):
    other = WITH_ALL.replace("[lecun_normal, normal]", "[lsuv, lecun_normal]").replace(
        "[1, 2]\n  act", "[1, 3]\n  act"
    )
    part, page = report(other)
    asked = plan(load("config.yaml", "settings.yaml"))
    kept = {run.run_id for run in asked.runs} & {run.run_id for run in finished.plan.runs}
    assert (part.runs, part.asked) == (len(kept), 32) == (8, 32)
    for table in ("runs", "gradients", "accuracy"):
        assert set(partial_table(table)["run_id"]) == kept
        expected = pd.read_parquet(finished.workspace.folder / f"results/tables/{table}.parquet")
        expected = expected[expected["run_id"].isin(kept)].astype({"run_id": object, "cell_id": object})
        found = partial_table(table).astype({"run_id": object, "cell_id": object})
        pd.testing.assert_frame_equal(found, expected.reset_index(drop=True), check_categorical=False)
    cells = partial_table("cells")
    assert cells["cell_id"].tolist() == [cell.cell_id for cell in asked.cells]
    assert (cells["seeds"] > 0).equals((cells["depth"] == 1) & (cells["initializer"] == "lecun_normal"))
    assert "Partial: 8 of 32 runs." in page


def test_a_chapter_is_shown_only_where_all_its_tables_are_there(report):
    assert "not there yet; nor" not in report()[1]
    Path("results/book/curves.parquet").unlink()
    _, page = report()
    assert "not there yet; nor is the book's chapter." in page
    assert 'id="laboratory"' in page
    assert 'id="book"' not in page
    assert not list(partial.FOLDER.glob("figures/book_*"))
    shutil.rmtree("results/laboratory")
    assert "nor are the book's chapter and the laboratory." in report()[1]


def test_a_chapter_of_another_dataset_counts_as_missing(report):
    path = "results/laboratory/trainability.parquet"
    table = pq.read_table(path)
    other = table.set_column(table.column_names.index("dataset"), "dataset", [["mnist"] * len(table)]).cast(
        table.schema
    )
    pq.write_table(other, path)
    assert "nor is the laboratory." in report()[1]


def test_where_nothing_is_there_one_message_says_so_and_an_earlier_report_stays(report):
    _, page = report()
    nothing = r"^nothing to report: no run of this configuration is there \(16 runs: 0 fresh, 16 to train: "
    with pytest.raises(GradgridError, match=nothing):
        report(WITH_ALL.replace("[lecun_normal, normal]", "lsuv"))
    assert html.unescape(partial.REPORT.read_text(encoding="utf-8")) == page
    assert (partial.FOLDER / "tables/runs.parquet").exists()
