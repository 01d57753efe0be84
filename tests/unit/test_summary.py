"""``gradgrid summary``: the same findings as the report's, numbers as in the tables, 80 columns, clear refusals."""

import json
import re
import shutil
import sys
from pathlib import Path

import pandas as pd
import partial_tables
import pytest
from report_folder import prepare

from gradgrid import cli
from gradgrid.core.parquet import write_frame
from gradgrid.core.results import RESULTS
from gradgrid.report import terminal
from gradgrid.report.findings import Grid, findings
from gradgrid.report.inputs import results
from gradgrid.report.summary import SHOWN, WHOLE

TABLES = Path("results/tables")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("small"))


@pytest.fixture
def run(prepared, tmp_path, monkeypatch, capsys):
    """Runs ``gradgrid summary`` in a folder with small results; gives status, output and errors."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(prepared, "results")

    def run(*arguments):
        status = cli.main(["summary", *arguments])
        return status, *capsys.readouterr()

    return run


def table(name):
    frame = pd.read_parquet(TABLES / f"{name}.parquet")
    return frame.astype(dict.fromkeys(frame.select_dtypes("category").columns, object))


def rewrite(name, change):
    write_frame(change(table(name)), RESULTS[name], TABLES / f"{name}.parquet")


def machine(run, *arguments):
    """The summary for machines; NaN and infinity are no JSON."""
    status, output, errors = run("--json", *arguments)
    assert (status, errors) == (0, "")
    return json.loads(output, parse_constant=pytest.fail)


def test_the_findings_are_those_of_the_report(run):
    known = results(TABLES, Path("results/provenance.json"))
    sentences = [
        finding.sentence
        for finding in findings(Grid(known.runs, known.found, known.accuracy, known.statistics, "MNIST"))
    ]
    words = " ".join(run()[1].split())
    assert len(sentences) == 5
    assert all(f"{number}. {sentence}" in words for number, sentence in enumerate(sentences, 1))
    assert [finding["sentence"] for finding in machine(run)["findings"]] == sentences


def test_the_text_is_plain_and_fits_80_columns(run):
    status, output, errors = run()
    assert (status, errors) == (0, "")
    assert output.startswith("108 runs: 36 cells × 3 seeds, 5 epochs, on MNIST\n")
    assert "\033" not in output
    assert max(map(len, output.splitlines())) <= 80
    assert all(line == line.rstrip() for line in output.splitlines())


def test_verdicts_and_divergence_are_counted_as_in_the_tables(run):
    runs, found = table("runs"), machine(run)
    for row in found["verdicts"]:
        of_depth = runs[runs["depth"] == row["depth"]]
        counted = {word: number for word, number in row["runs"].items() if number}
        assert counted == of_depth["verdict"].value_counts().to_dict()
    assert [row["depth"] for row in found["verdicts"]] == [1, 2, 4]
    lost = runs[runs["status"] == "diverged"]
    assert found["diverged"]["runs"] == len(lost) > 0
    for factor in ("depth", "activation", "initializer", "clipping"):
        levels = {row["level"]: row["diverged"] for row in found["diverged"]["by"][factor]}
        assert levels == lost[factor].value_counts().to_dict()


def test_the_best_cells_have_the_fewest_diverged_runs_and_the_worst_the_lowest_accuracy(run):
    rewrite("cells", lambda cells: cells.assign(runs_diverged=[1] + [0] * (len(cells) - 1)))
    cells, found = table("cells").dropna(subset=["validation_accuracy_mean"]), machine(run)
    whole = cells[cells["runs_diverged"] == 0]
    best = whole.nlargest(SHOWN, "validation_accuracy_mean", keep="all")
    assert {cell["cell_id"] for cell in found["best"]} <= set(best["cell_id"])
    measured = [cell["validation_accuracy_mean"] for cell in found["worst"]]
    assert measured == pytest.approx(sorted(cells["validation_accuracy_mean"])[:SHOWN])
    assert found["cells_all_diverged"] == len(table("cells")) - len(cells) > 0
    assert not {cell["cell_id"] for cell in found["best"]} & {cell["cell_id"] for cell in found["worst"]}


def test_the_ranks_stand_with_their_critical_difference(run):
    ranks, lines = table("ranks"), run()[1].splitlines()
    start = next(number for number, line in enumerate(lines) if line.endswith("  initializer")) + 1
    shown = [line.split() for line in lines[start : start + len(ranks)]]
    assert [(words[0], words[-1]) for words in shown] == [
        (f"{row.mean_rank:.1f}", row.initializer) for row in ranks.itertuples()
    ]
    assert f"nearer than {ranks['critical_difference'].iloc[0]:.1f}" in lines[start + len(ranks)]


def test_it_says_where_the_report_is_or_how_to_build_it(run):
    assert run()[1].endswith("Report\nnot there; `snakemake --cores 8` builds it\n")
    WHOLE.report.parent.mkdir()
    WHOLE.report.touch()
    assert run()[1].endswith("Report\nreport/index.html\n")


def test_other_data_than_asked_for_are_said_loudly(run, tmp_path):
    Path("results").rename("mnist")
    prepare(tmp_path / "results", dataset="digits")
    head = " ".join(run()[1].partition("Findings")[0].split())
    assert "on the embedded digits of scikit-learn NOT MNIST, which was asked for." in head
    assert machine(run)["data"]["fallback"] is True


def test_one_seed_gives_no_intervals_and_no_nan(run, tmp_path):
    Path("results").rename("three")
    prepare(tmp_path / "results", seeds=1)
    assert "With one seed there are no intervals" in run()[1]
    assert machine(run)["best"][0]["validation_accuracy_low"] is None


def test_where_every_run_diverged_it_says_so_and_lists_no_cells(run, tmp_path):
    Path("results").rename("some")
    prepare(tmp_path / "results", all_diverge=True)
    output, found = run()[1], machine(run)
    assert (found["best"], found["worst"], found["cells_all_diverged"]) == ([], [], 36)
    assert "Diverged\n108 of 108 runs; in 36 cells every one.\n" in output
    assert "Best cells" not in output


def test_a_part_says_how_much_of_the_grid_it_is(run):
    partial_tables.write(Path("results/partial/tables"))
    shutil.copy("results/provenance.json", "results/partial")
    assert run("--partial")[1].startswith("22 of 72 runs: 24 cells × 3 seeds, 5 epochs, on MNIST\n")
    found = machine(run, "--partial")
    assert (found["runs"], found["runs_asked"]) == (22, 72)
    assert machine(run)["runs"] == 108


@pytest.mark.parametrize("name", ["runs", "cells", "accuracy", "ranks"])
def test_a_damaged_table_is_refused_in_one_line(run, name):
    path = TABLES / f"{name}.parquet"
    path.write_bytes(path.read_bytes()[:200])
    status, output, errors = run()
    assert (status, output) == (1, "")
    assert errors.startswith(f"{path}: cannot be read (")
    assert errors.count("\n") == 1


def test_where_nothing_is_one_line_says_what_to_do(run):
    Path("results").rename("elsewhere")
    assert run() == (1, "", "results/tables: no results here; `snakemake --cores 8` makes them\n")
    assert run("--partial")[2] == (
        "results/partial/tables: no results here; `gradgrid report --partial` makes them\n"
    )


def test_tables_of_another_version_are_refused_by_what_they_lack(run):
    path = TABLES / "runs.parquet"
    table("runs").drop(columns=["verdict_reason", "verdict"]).to_parquet(path)
    assert run() == (
        1,
        "",
        f"{path}: written by another version of gradgrid, without verdict and verdict_reason; run snakemake again\n",
    )


def test_tables_of_two_grids_are_refused(run):
    rewrite("runs", lambda runs: runs.iloc[:-1])
    assert run()[2] == (
        "results/tables: runs and cells are not of one grid; `snakemake --cores 8` makes them anew\n"
    )


@pytest.mark.parametrize(
    ("environment", "bold"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_headings_are_bold_on_a_terminal_alone_unless_somebody_minds(run, monkeypatch, environment, bold):
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in {"TERM": "xterm", **environment}.items():
        monkeypatch.setenv(name, value)
    plain = run()[1]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    shown = run()[1]
    assert ("\033[1mFindings\033[0m\n" in shown) == bold
    assert re.sub(r"\033\[\d?m", "", shown) == plain


def test_the_verdicts_of_a_million_runs_fit_too():
    words = ("healthy", "saturated", "dead units", "exploding", "vanishing", "never learned", "diverged")
    depths = [{"depth": depth, "runs": dict.fromkeys(words, 35_000)} for depth in range(1, 5)]
    lines = terminal._verdicts(depths).splitlines()
    assert {len(line) for line in lines[1:]} == {len(lines[-1])}
    assert len(lines[-1]) <= 80
    assert lines[-1].split() == ["all", *["140,000"] * 7, "980,000"]
