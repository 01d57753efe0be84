"""Cells, runs and bundles; what a train job is told; how long it all takes."""

from dataclasses import replace
from pathlib import Path

import pytest
from configs import GOOD, config

from gradgrid.core.config import Training, load
from gradgrid.core.cost import estimate, rows, step_microseconds
from gradgrid.core.entries import Entry, clipping_label
from gradgrid.core.plan import Cell, Run, plan
from gradgrid.core.schedule import measured_steps, steps_per_epoch, total_steps
from gradgrid.core.summary import duration
from gradgrid.core.tables import FACTOR_NAMES, TABLES

DEFAULT = Path(__file__).parents[2] / "config.yaml"
LEAKY = Entry.of("leaky_relu", {"negative_slope": 0.1})
CELL = Cell(2, LEAKY, Entry("normal"), Entry.of("norm", {"threshold": 1}), 30, Entry("sgd"), 0.1)


def test_the_default_grid():
    asked = plan(load(DEFAULT))
    assert (len(asked.cells), len(asked.runs), len(asked.bundles)) == (864, 4_320, 120)
    assert len({run.run_id for run in asked.runs}) == 4_320
    assert len({bundle.key for bundle in asked.bundles}) == 120
    bundled = [run.run_id for bundle in asked.bundles for run in bundle.runs]
    assert sorted(bundled) == sorted(run.run_id for run in asked.runs)


def test_labels_are_the_factor_columns_of_the_tables():
    assert tuple(CELL.labels) == FACTOR_NAMES
    assert CELL.labels == {
        "depth": 2,
        "activation": "leaky_relu(negative_slope=0.1)",
        "initializer": "normal",
        "clipping": "norm=1",
        "width": 30,
        "optimizer": "sgd",
        "learning_rate": 0.1,
        "normalization": "none",
        "residual": "no",
    }


def test_ids_never_change():
    """They name rows of tables that users keep; a change here breaks every stored result."""
    assert CELL.cell_id == "ec0987c6db"
    assert Run(CELL, 3).run_id == "ec0987c6db-3"
    assert replace(CELL, normalization=Entry("batch")).cell_id == "79e95fb915"
    assert replace(CELL, residual=True).cell_id == "e6bdf779db"


@pytest.mark.parametrize(
    ("clipping", "label"),
    [
        (None, "none"),
        (Entry.of("value", {"threshold": 0.1}), "value=0.1"),
        (Entry.of("norm", {"threshold": 0.12345678}), "norm=0.12345678"),
        (Entry.of("norm", {"threshold": 1e-5}), "norm=1e-05"),
    ],
)
def test_labels_of_clipping(clipping, label):
    assert clipping_label(clipping) == label


def test_a_new_level_moves_no_run():
    def places(asked):
        return {(run.run_id, bundle.key) for bundle in plan(asked).bundles for run in bundle.runs}

    assert places(config(depth=[1])) < places(config(depth=[4, 1], activation=["relu", "sigmoid"]))


def test_a_bundle_is_one_depth_activation_width_and_seed():
    leaky = {"leaky_relu": {"negative_slope": 0.1}}
    asked = plan(config(activation=[leaky], depth=3, clipping=[None, {"norm": 1}]))
    assert [bundle.key for bundle in asked.bundles] == [
        "depth=3/activation=leaky_relu%28negative_slope%3D0.1%29/width=30/seed=0",
        "depth=3/activation=leaky_relu%28negative_slope%3D0.1%29/width=30/seed=1",
    ]
    assert [len(bundle.runs) for bundle in asked.bundles] == [4, 4]
    remedied = plan(config(depth=3, normalization=[None, "batch"], residual=[False, True]))
    assert [len(bundle.runs) for bundle in remedied.bundles] == [8, 8]


@pytest.mark.parametrize(
    ("training", "dataset", "steps"),
    [
        ({}, "mnist", (0, 1, 10, 100, 1000, 5000, 10000, 15000, 20000, 25000)),
        ({"digits_epochs": 2}, "digits", (0, 1, 10, 100, 130, 260)),
        ({"epochs": 1, "minibatch": 1297}, "mnist", (0, 1, 10, 39)),
        ({"measure_steps": [7, 2, 6000], "digits_epochs": 1}, "digits", (0, 2, 7)),
    ],
)
def test_measured_steps(training, dataset, steps):
    assert measured_steps(Training(**training), dataset) == steps


def test_the_last_minibatch_may_be_smaller():
    assert (steps_per_epoch(Training(), "digits"), total_steps(Training(), "digits")) == (130, 1_040)


def test_rows_of_the_default_grid():
    default = load(DEFAULT)
    found = rows(plan(default), default, "mnist")
    assert found == {
        "runs": 4_320,
        "cells": 864,
        "gradients": 10 * 1_080 * (2 + 3 + 5 + 9),
        "accuracy": 4_320 * (2 * 6 + 1),
        "clipping": 4_320 // 3 * 2 * 5,
    }
    assert set(found) == set(TABLES)


def test_the_estimate_grows_with_the_work_and_shrinks_with_the_cores():
    default = load(DEFAULT)
    asked = plan(default)
    one, two = (estimate(asked, default, "mnist", cores).seconds for cores in (1, 2))
    assert one == pytest.approx(2 * two)
    longest = estimate(asked, default, "mnist", 10_000).seconds
    assert two / 60 < longest < two, "one job is never split"
    wide = Cell(2, LEAKY, Entry("normal"), None, 300, Entry("sgd"), 0.1)
    assert step_microseconds(wide, 10) > 10 * step_microseconds(CELL, 10)
    assert step_microseconds(CELL, 20) == 2 * step_microseconds(CELL, 10)
    normalized = replace(CELL, normalization=Entry("layer"))
    assert step_microseconds(normalized, 10) > step_microseconds(CELL, 10)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 second"), (80, "80 seconds"), (3_000, "50 minutes"), (8_000, "2.2 hours"), (1e7, "116 days")],
)
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_the_small_configuration_of_these_tests_is_the_one_on_file(tmp_path):
    (tmp_path / "config.yaml").write_text(GOOD)
    assert load(tmp_path / "config.yaml") == config(depth=[1, 2])
