"""The explorer's numbers: every run's curves as the tables hold them, or thinned by as little as fits."""

import gzip
from base64 import b64decode

import numpy as np
import pandas as pd
import pytest
from html_page import Page
from report_folder import build, prepare

from gradgrid.report import explorer, inputs, packing
from gradgrid.report.packing import LADDER, Thinning, fitted, over_seeds, packed, rounded

PREPARE = prepare


def table(built, name: str) -> pd.DataFrame:
    return pd.read_parquet(built[0] / "tables" / f"{name}.parquet")


def places(frame: pd.DataFrame, page) -> pd.Series:
    return frame["cell_id"].astype(str).map({cell: place for place, cell in enumerate(page.header["ids"])})


def test_every_speed_stands_where_its_layer_seed_and_step_say(built, page):
    frame = table(built, "gradients")
    cells = table(built, "cells")
    before = np.concatenate([[0], np.cumsum(cells["depth"] + 1)])
    steps = page.header["times"]["gradients"]["steps"]
    values = page.numbers["gradients"]
    assert values.shape == (before[-1], 3, len(steps))
    for row, place in zip(frame.itertuples(), places(frame, page), strict=True):
        there = values[before[place] + row.layer - 1, row.seed, steps.index(row.step)]
        np.testing.assert_array_equal(there, np.float32(row.bias_gradient_norm))


def test_every_accuracy_and_every_measure_of_clipping_stands_in_its_row(built, page):
    frame = table(built, "accuracy")
    epochs, splits = page.header["times"]["accuracy"]["epochs"], page.header["splits"]
    rows = 3 * places(frame, page) + frame["split"].astype(str).map(splits.index)
    steps = frame["epoch"].map(epochs.index)
    np.testing.assert_array_equal(page.numbers["accuracy"][rows, frame["seed"], steps], frame["accuracy"])
    frame = table(built, "clipping")
    for number, measure in enumerate(page.header["clipped"]):
        rows = 4 * places(frame, page) + number
        found = page.numbers["clipping"][rows, frame["seed"], frame["epoch"] - 1]
        np.testing.assert_array_equal(found, frame[measure])


def test_every_run_has_its_verdict_slope_and_step_of_divergence(built, page):
    runs = table(built, "runs")
    place = places(runs, page), runs["seed"], 0
    said = np.array(page.header["verdicts"])[page.numbers["run_verdict"][place].astype(int)]
    assert said.tolist() == runs["verdict"].tolist()
    for name in ("gradient_slope", "diverged_at_step"):
        np.testing.assert_array_equal(page.numbers[f"run_{name}"][place], runs[name].astype("float32"))


def test_tables_are_read_in_pieces_to_the_same_numbers(page, monkeypatch, tmp_path):
    monkeypatch.setattr(inputs, "AT_ONCE", 777)
    monkeypatch.setattr(packing, "AT_ONCE", 1000)
    read = Page(build(prepare(tmp_path)))
    assert read.header == page.header
    for name, values in page.numbers.items():
        np.testing.assert_array_equal(read.numbers[name], values)


def test_numbers_are_packed_as_planes_of_gzip():
    values = {"a": np.arange(5, dtype="float32").reshape(1, 5, 1), "b": np.float32([[[np.nan, -1.5]]])}
    planes = np.frombuffer(gzip.decompress(b64decode(packed(values))), np.uint8)
    found = planes.reshape(4, -1).T.copy().view("<f4").ravel()
    np.testing.assert_array_equal(found, np.concatenate([v.ravel() for v in values.values()]))


def test_large_grids_leave_out_the_reasons_of_the_verdicts_and_say_so(monkeypatch, tmp_path):
    monkeypatch.setattr(explorer, "MOST_REASONED", 3)
    text = build(prepare(tmp_path))
    assert Page(text).header["reason_of"] == []
    assert f"too large for one page: {explorer.NO_REASONS}." in text


def test_nothing_is_thinned_and_the_page_says_nothing_of_it(page):
    assert "explorer-thinned" not in {element.get("id") for _, element in page.elements}


@pytest.fixture
def curves():
    """Curves of 400 runs, from the size of which 0.8 of the budget is left over if all is kept."""
    rng = np.random.default_rng(5)
    values = 10 ** rng.normal(-3, 2, size=(80, 5, 12)).astype("float32")
    values[3, :, 4:] = np.nan
    return {"gradients": values}


@pytest.mark.parametrize("rung", range(len(LADDER) - 1))
def test_the_first_rung_that_keeps_the_budget_is_taken(curves, rung):
    sizes = [
        len(packed({"gradients": packing._thinned(curves["gradients"], thinning)})) for thinning in LADDER
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert fitted(curves, budget=sizes[rung] - 1)[1] == LADDER[rung + 1]
    made, thinning = fitted(curves, budget=sizes[rung])
    assert thinning == LADDER[rung]
    assert len(packed(made)) <= sizes[rung]
    assert fitted(curves, budget=0)[1] == LADDER[-1]


@pytest.mark.parametrize("bits", [6, 8, 12])
def test_rounding_keeps_what_it_says_and_what_is_no_number(bits):
    rng = np.random.default_rng(6)
    values = np.float32(rng.choice([-1, 1], 10_000) * 10 ** rng.uniform(-37, 37, 10_000))
    error = np.abs(rounded(values, bits) / values.astype("float64") - 1)
    assert error.max() <= 0.5 ** (bits + 1)
    assert error.max() > 0.9 * 0.5 ** (bits + 1)
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, 0.5], dtype="float32")
    np.testing.assert_array_equal(rounded(special, bits), special)


def test_means_are_over_the_seeds_that_there_are():
    values = np.array([[[1, np.nan], [3, np.nan], [np.nan, np.nan]]], dtype="float32")
    np.testing.assert_array_equal(over_seeds(values), np.array([[[2, np.nan]]], dtype="float32"))


def test_first_and_last_step_are_always_kept():
    assert Thinning(every=4).steps(12).tolist() == [0, 4, 8, 11]
    assert Thinning(every=16).steps(2).tolist() == [0, 1]
    assert Thinning().steps(3).tolist() == [0, 1, 2]


def test_the_page_says_what_was_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr(packing.fitted, "__defaults__", (3000,))
    text = build(prepare(tmp_path))
    assert 'id="explorer-thinned"' in text
    assert "in place of each seed stands the mean over the seeds" in text
