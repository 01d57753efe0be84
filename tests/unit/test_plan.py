"""Cells, runs and bundles; what a train job is told; how long it all takes."""

from dataclasses import replace
from pathlib import Path

import pytest
from configs import GOOD, config

from gradgrid.core import cost
from gradgrid.core.config import Execution, Training, load
from gradgrid.core.cost import Machine, bundle_seconds, estimate, rows
from gradgrid.core.entries import Entry, clipping_label
from gradgrid.core.plan import Cell, Run, plan
from gradgrid.core.schedule import measured_steps, steps_per_epoch, total_steps
from gradgrid.core.shares import TOGETHER
from gradgrid.core.summary import duration
from gradgrid.core.tables import FACTOR_NAMES, TABLES
from gradgrid.core.times import step_microseconds

DEFAULT = Path(__file__).parents[2] / "config.yaml"
LEAKY = Entry.of("leaky_relu", {"negative_slope": 0.1})
CELL = Cell(2, LEAKY, Entry("normal"), Entry.of("norm", {"threshold": 1}), 30, Entry("sgd"), 0.1)


def test_the_default_grid():
    asked = plan(load(DEFAULT))
    assert (len(asked.cells), len(asked.runs), len(asked.bundles)) == (864, 4_320, 24)
    assert len({run.run_id for run in asked.runs}) == 4_320
    assert len({bundle.key for bundle in asked.bundles}) == 24
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


def bundles(minutes, **settings):
    return plan(config(execution={"bundle_minutes": minutes}, **settings)).bundles


def test_an_architecture_is_one_bundle_if_it_does_not_take_too_long():
    leaky = {"leaky_relu": {"negative_slope": 0.1}}
    asked = {"activation": [leaky], "depth": 3, "clipping": [None, {"norm": 1}]}
    (whole,) = bundles(10, **asked)
    assert whole.key == "depth=3/activation=leaky_relu%28negative_slope%3D0.1%29/width=30/seeds=all/cells=all"
    apart = bundles(0.01, **asked)
    assert [bundle.key.partition("width=30/")[2] for bundle in apart] == [
        "seeds=0of2/cells=all",
        "seeds=1of2/cells=all",
    ]
    assert [{run.seed for run in bundle.runs} for bundle in apart] == [{0}, {1}]
    remedied = bundles(0.01, depth=3, normalization=[None, "batch"], residual=[False, True])
    assert [len(bundle.runs) for bundle in remedied] == [8, 8]


@pytest.mark.parametrize("minutes", [0.5, 1, 2, 5, 20])
def test_bundles_take_as_long_as_is_stated_but_for_what_trains_together(minutes):
    rates = [round(0.01 * (1 + i), 2) for i in range(50)]
    asked = config(seeds=6, depth=[1, 8], learning_rate=rates, execution={"bundle_minutes": minutes})
    found = plan(asked).bundles
    assert sorted(run.run_id for bundle in found for run in bundle.runs) == sorted(
        run.run_id for run in plan(asked).runs
    )
    for bundle in found:
        short = bundle_seconds(bundle, asked, "mnist") <= 60 * minutes
        assert short or (len({run.seed for run in bundle.runs}) == 1 and len(bundle.runs) <= TOGETHER)
    finer = plan(asked.model_copy(update={"execution": Execution(bundle_minutes=minutes / 4)})).bundles
    assert len(finer) >= len(found)


def test_a_run_stays_where_it_is_while_its_architecture_is_cut_alike():
    def homes(seeds):
        return {
            run.run_id: bundle.key for bundle in bundles(0.5, seeds=seeds, depth=8) for run in bundle.runs
        }

    few, more = homes([0, 1, 2, 3, 4, 5, 6, 7]), homes([7, 3, 11, 0, 4, 1, 2, 5, 6])
    assert {key.rpartition("of")[2] for key in few.values()} == {
        key.rpartition("of")[2] for key in more.values()
    }
    assert few.items() < more.items()


def test_on_a_gpu_as_many_runs_are_together_as_train_at_a_time():
    rates = [round(0.001 * (1 + i), 3) for i in range(500)]
    asked = config(seeds=2, depth=32, learning_rate=rates)
    runs = {
        device: [len(bundle.runs) for bundle in plan(asked.model_copy(update={"device": device})).bundles]
        for device in ("cpu", "cuda")
    }
    assert sum(runs["cpu"]) == sum(runs["cuda"]) == 2_000
    assert max(runs["cpu"]) < 600
    assert runs["cuda"] == [2_000]


@pytest.mark.parametrize("seeds", [[5], [0, 2, 4, 6], [0, 1024, 2048], [3, 10, 17]])
def test_any_seeds_can_be_told_apart(seeds):
    found = bundles(0.01, seeds=seeds, depth=1)
    assert sorted(next(iter({run.seed for run in bundle.runs})) for bundle in found) == sorted(seeds)


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
    one, two = (estimate(asked, default, "mnist", Machine(cores)).seconds for cores in (1, 2))
    assert one == pytest.approx(2 * two)
    longest = estimate(asked, default, "mnist", Machine(10_000)).seconds
    assert two / 60 < longest < two, "one job is never split"
    wide = Cell(2, LEAKY, Entry("normal"), None, 300, Entry("sgd"), 0.1)
    assert step_microseconds(wide, 10) > 10 * step_microseconds(CELL, 10)
    assert step_microseconds(CELL, 20) == 2 * step_microseconds(CELL, 10)
    normalized = replace(CELL, normalization=Entry("layer"))
    assert step_microseconds(normalized, 10) > step_microseconds(CELL, 10)


def test_the_estimate_is_that_of_the_machine_at_hand():
    default = load(DEFAULT)
    asked = plan(default)
    model, slow = (estimate(asked, default, "mnist", Machine(2, pace)) for pace in (1.0, 1.7))
    assert slow.seconds == pytest.approx(1.7 * model.seconds)
    assert slow.book_seconds == pytest.approx(1.7 * model.book_seconds)
    on_gpu = default.model_copy(update={"device": "cuda"})
    model, slow = (estimate(asked, on_gpu, "mnist", Machine(2, pace)) for pace in (1.0, 1.7))
    assert slow.seconds == model.seconds  # the processor's pace says nothing of the GPU's
    assert slow.book_seconds == pytest.approx(1.7 * model.book_seconds)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 second"), (80, "80 seconds"), (3_000, "50 minutes"), (8_000, "2.2 hours"), (1e7, "116 days")],
)
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_the_small_configuration_of_these_tests_is_the_one_on_file(tmp_path):
    (tmp_path / "config.yaml").write_text(GOOD)
    assert load(tmp_path / "config.yaml") == config(depth=[1, 2])


def test_without_the_compiled_kernel_it_takes_longer_and_nothing_is_cut_otherwise(monkeypatch):
    asked = config(seeds=5)
    found = plan(asked)
    machine = Machine(2)
    with_it = estimate(found, asked, "mnist", machine).seconds
    monkeypatch.setattr(cost, "built", lambda: False)
    assert estimate(found, asked, "mnist", machine).seconds > 3 * with_it
    assert cost.place(asked, machine) == "2 cores without the compiled kernel"
    assert [bundle.key for bundle in plan(asked).bundles] == [bundle.key for bundle in found.bundles]
