"""The report of a part of a grid: it says so at its head, and its tables show what is missing."""

import json

import numpy as np
import pandas as pd
import partial_tables
from html_page import Page
from report_folder import build, prepare, prepare_laboratory

from gradgrid.core.part import Part
from gradgrid.core.statistics_tables import STATISTICS_TABLES
from gradgrid.report import findings
from gradgrid.report.findings import Grid


def prepare_part(folder):
    """Tables that hold 22 of 72 runs; the configuration asks for both chapters, of which one is there."""
    prepare_laboratory(folder)
    partial_tables.write(folder / "tables")
    path = folder / "provenance.json"
    record = json.loads(path.read_text())
    record["config"] |= {"book": {"accuracy": {}}, "laboratory": {"linear": {}}}
    path.write_text(json.dumps(record))
    return folder


PREPARE = prepare_part


def test_the_head_says_how_much_is_there_and_which_chapter_is_missing(built, page):
    (banner,) = page.all("aside")
    assert page.elements.index(("aside", banner)) < page.elements.index(("h1", {}))
    assert "Partial: 22 of 72 runs. What follows is worked out from them alone." in page.text
    assert "are not there yet; nor is the book's chapter." in page.text
    assert "<title>GradGrid on MNIST: 22 of 72 runs</title>" in built[1]
    assert (
        "22 of 72 fully connected nets, one for each of 24 combinations of depth, activation, " in page.text
    )
    assert "and each of 3 seeds" in page.text


def test_a_chapter_of_which_all_is_there_is_shown(page):
    assert "#laboratory" in {a["href"] for a in page.all("a")}
    assert "#book" not in {a["href"] for a in page.all("a")}


def test_where_both_chapters_are_missing_both_are_named(tmp_path):
    folder = prepare_part(tmp_path)
    (folder / "laboratory").rename(folder / "elsewhere")
    for figure in folder.glob("figures/laboratory_*"):
        figure.unlink()
    assert "nor are the book's chapter and the laboratory." in Page(build(folder)).text


def test_the_facts_are_those_asked_for(page):
    facts = page.text.split("What was run")[2].split("What this rests on")[0]
    assert "Grid 24 cells × 3 seeds Runs 22 of 72, of which 0 diverged Seeds 0, 1, 2" in facts


def test_runs_that_are_not_there_stand_in_the_table_of_verdicts(page):
    row = page.text.split("not there yet 12")[-1].split()[:3]
    assert row == ["14", "24", "50"]  # depth 1: 12 of 24 missing


def test_the_table_of_cells_says_how_many_seeds_there_are(page):
    seeds = page.numbers["seeds"]
    assert [np.sum(seeds == number) for number in (0, 1, 3)] == [14, 4, 6]
    assert {"source": "seeds", "title": "seeds there, of 3", "picked": True}.items() <= page.header[
        "columns"
    ][9].items()
    holes = np.flatnonzero(seeds == 0)
    assert {page.header["verdict_of"][cell] for cell in holes} == {None}
    for name in ("validation_accuracy_mean", "gradient_slope_mean", "seconds", "run_verdict"):
        assert np.isnan(page.numbers[name][holes]).all()
    assert "results/partial/tables/cells.parquet" in page.text


def test_findings_are_of_the_runs_that_are_there_and_say_so(page):
    said = page.text.split("Findings at a glance")[-1].split("What was run")[0]
    assert "of 22 runs diverged" in said
    assert "At depth 2, " in said
    assert "depth 4" not in said
    assert "levels are compared over the runs that are, which need not be the same for each." in said


def test_the_book_starts_from_a_cell_that_is_there(tmp_path):
    folder = prepare(tmp_path)
    rates = {"learning_rates": (0.1, 0.5), "initializers": ("lecun_normal",)}
    partial_tables.write(folder / "tables", lambda runs: runs["learning_rate"] == 0.5, **rates)
    cells = pd.read_parquet(folder / "tables" / "cells.parquet")
    assert findings.book_cell(cells[cells["seeds"] > 0])["learning_rate"] == 0.5
    assert Page(build(folder)).text


def test_initializers_are_ranked_only_where_all_of_them_are_there(tmp_path):
    partial_tables.write(tmp_path, _some_more_of_one)
    whole = _ranks(tmp_path)
    partial_tables.write(tmp_path, lambda runs: runs["seed"] == 0)
    assert _ranks(tmp_path) == whole
    assert "one seed, no interval" in whole


def _some_more_of_one(runs):
    return (runs["seed"] == 0) | (runs["initializer"] == "normal") & (runs["depth"] == 1)


def _ranks(folder):
    tables = (pd.read_parquet(folder / f"{name}.parquet") for name in ("runs", "cells", "accuracy"))
    statistics = {name: pd.read_parquet(folder / f"{name}.parquet") for name in STATISTICS_TABLES}
    return findings.initializer_ranks(Grid(*tables, statistics)).sentence


def test_a_whole_grid_has_no_word_of_parts(tmp_path):
    text = build(prepare(tmp_path))
    assert "artial" not in Page(text).text
    assert "not there yet" not in Page(text).text


def test_a_part_survives_the_metadata_of_a_file():
    part = Part(2304, 4320, [0, 1], {"depth": [1, 2], "learning_rate": [0.1], "activation": ["<b>é"]})
    assert Part.read({key: text.encode() for key, text in part.metadata.items()}) == part
    assert part.words == "2,304 of 4,320 runs"
    assert Part.read(None) is None
    assert Part.read({b"gradgrid.table": b"runs"}) is None
