"""The cells table against intervals worked out by scipy, and what becomes of diverged and lonely seeds."""

import numpy as np
import pandas as pd
import pytest
import synthetic
from scipy import stats

from gradgrid.analysis.cells import summarise, write_cells
from gradgrid.core.parquet import write_frame
from gradgrid.core.tables import CELLS, JUDGED_RUNS, SUMMARISED


@pytest.fixture(scope="module")
def runs():
    return synthetic.tables(depths=(2,), activations=("relu",), initializers=("normal", "lsuv"), seeds=4)[
        "runs"
    ]


def one_cell(runs, **changes):
    return summarise(runs[runs["cell_id"] == runs["cell_id"].iloc[0]].assign(**changes)).iloc[0]


def test_means_and_t_intervals_agree_with_scipy(runs):
    cells = summarise(runs).set_index("cell_id")
    for cell_id, group in runs.groupby("cell_id", observed=True):
        values = group["test_accuracy"].to_numpy(np.float64)
        low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
        row = cells.loc[cell_id]
        assert row["test_accuracy_mean"] == pytest.approx(values.mean())
        assert row["test_accuracy_std"] == pytest.approx(values.std(ddof=1))
        assert (row["test_accuracy_low"], row["test_accuracy_high"]) == pytest.approx((low, high))


def test_the_columns_and_order_are_those_of_the_schema(runs, tmp_path):
    cells = summarise(runs)
    assert list(cells.columns) == CELLS.schema.names
    assert list(cells["cell_id"]) == list(runs["cell_id"].unique())
    write_frame(runs, JUDGED_RUNS, tmp_path / "runs.parquet")
    write_cells(tmp_path / "runs.parquet", tmp_path / "cells.parquet")
    written = pd.read_parquet(tmp_path / "cells.parquet")
    np.testing.assert_allclose(written["test_accuracy_mean"], cells["test_accuracy_mean"], rtol=1e-6)


def test_diverged_seeds_count_but_leave_the_accuracies_alone(runs):
    status = ["diverged", "completed", "completed", "completed"]
    row = one_cell(
        runs,
        status=status,
        best_validation_accuracy=[0.9, 0.5, 0.5, 0.5],
        gradient_slope=[-4.0, 0.0, 0.0, 0.0],
    )
    assert (row["seeds"], row["runs_diverged"]) == (4, 1)
    assert row["best_validation_accuracy_mean"] == pytest.approx(0.5)
    assert row["gradient_slope_mean"] == pytest.approx(-1.0)


def test_a_cell_of_which_all_seeds_diverged_keeps_its_row_with_null_means(runs):
    row = one_cell(runs, status="diverged", gradient_slope=np.nan)
    assert row["runs_diverged"] == 4
    assert (
        row[[f"{name}_{what}" for name in SUMMARISED for what in ("mean", "std", "low", "high")]].isna().all()
    )


def test_a_single_seed_has_a_mean_and_nothing_else(runs):
    row = summarise(runs.iloc[[0]]).iloc[0]
    assert row["test_accuracy_mean"] == pytest.approx(runs["test_accuracy"].iloc[0])
    assert row[["test_accuracy_std", "test_accuracy_low", "test_accuracy_high"]].isna().all()


@pytest.mark.parametrize(
    ("of_seeds", "expected"),
    [
        (["healthy", "healthy", "diverged", "vanishing"], "healthy"),
        (["healthy", "healthy", "saturated", "saturated"], "saturated"),
        ([None, None, None, "exploding"], "exploding"),
    ],
)
def test_the_commonest_verdict_and_of_equals_the_worse(runs, of_seeds, expected):
    assert one_cell(runs, verdict=of_seeds)["verdict"] == expected


def test_no_verdicts_give_a_null_verdict(runs):
    assert one_cell(runs, verdict=None)[["verdict", "runs_of_verdict", "verdict_reason"]].isna().all()


def test_the_reason_counts_the_verdicts_and_has_the_numbers_of_the_first_seed_with_the_cells(runs):
    words = ["healthy", "vanishing", "vanishing", "dead units"]
    cell = one_cell(runs, verdict=words, verdict_reason=["a", "b", "c", "d"])
    assert (cell["verdict"], cell["runs_of_verdict"]) == ("vanishing", 2)
    assert cell["verdict_reason"] == "2 of 4 runs, 1 dead units, 1 healthy; seed 1: b"
    assert one_cell(runs[runs["seed"] == 2], verdict="healthy", verdict_reason="f")["verdict_reason"] == (
        "1 of 1 run; seed 2: f"
    )


def test_seconds_are_summed(runs):
    assert one_cell(runs, seconds=[1.0, 2.0, 3.0, np.nan])["seconds"] == pytest.approx(6.0)
