"""Runs that overflow, never learn or have no gradient: what becomes of them, their neighbours and their tables."""

from contextlib import suppress
from itertools import product

import extreme
import numpy as np
import pandas as pd
import pytest
import torch
import training
from drawings import NAMES, assert_legible, drawn, telling
from extreme import DEAD, IMAGES, OVERFLOWING, SATURATED, TOO_LARGE, ZERO, table
from html_page import Page
from killed import assert_identical
from pydantic import ValidationError
from report_folder import build, prepare

from gradgrid.analysis.statistics import statistics
from gradgrid.core.plan import plan
from gradgrid.core.registry import LARGEST, entries
from gradgrid.core.tables import SUMMARISED
from gradgrid.train import reference
from gradgrid.train.runs import train_runs
from gradgrid.train.trainer import data_order

STEPS = 6
"""Steps in an epoch."""
TRAINING = extreme.config().training
RUNS = {run.run_id: run for run in plan(extreme.config()).runs}


def label(initializer):
    """The level's label."""
    return str(extreme.config(initializer=initializer).factors.initializer[0].label)


def rows(name, activation, initializer, depth=3):
    """The rows of some runs in a table."""
    found = table(name).query("activation == @activation and depth == @depth")
    return found[found["initializer"] == label(initializer)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The grid's tables as files."""
    return extreme.write(prepare(tmp_path_factory.mktemp("extreme"), dataset="digits") / "tables").parent


@pytest.fixture(scope="module")
def runs(folder):
    return pd.read_parquet(folder / "tables" / "runs.parquet")


@pytest.mark.parametrize(
    ("activation", "initializer", "step", "layer"),
    [
        *((name, TOO_LARGE, 0, 1) for name in ("sigmoid", "relu", "identity")),
        ("relu", OVERFLOWING, 1, 2),  # on the way up, in the second layer
        ("identity", OVERFLOWING, 1, 2),
    ],
)
def test_step_and_layer_of_what_is_too_large(activation, initializer, step, layer):
    found = rows("runs", activation, initializer)
    assert len(found) == 6
    assert set(found["status"]) == {"diverged"}
    assert set(found["diverged_at_step"]) == {step}
    assert set(found["diverged_layer"]) == {layer}


def plain_divergence(run):
    """The number of updates after which a parameter of the plain loop is not finite; None if all stay finite."""
    network = reference.build(training.initial(run, IMAGES, TRAINING.bias), run.cell.activation)
    order = torch.from_numpy(np.concatenate([data_order(run.seed, epoch, IMAGES.size) for epoch in (1, 2)]))
    dense, targets = torch.from_numpy(IMAGES.training.images.toarray())[order], IMAGES.training.targets[order]
    steps = [
        pair for epoch in zip(dense.split(57), targets.split(57), strict=True) for pair in minibatches(*epoch)
    ]
    for step, minibatch in enumerate([[], *([pair] for pair in steps)]):
        reference.train(network, run.cell, TRAINING.loss, TRAINING.weight_decay / IMAGES.size, minibatch)
        if not all(torch.isfinite(parameter).all() for parameter in network.parameters()):
            return step
    return None


def minibatches(images, targets):
    """An epoch's, the last smaller."""
    return zip(images.split(TRAINING.minibatch), targets.split(TRAINING.minibatch), strict=True)


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "identity"])
def test_divergence_is_where_the_plain_loop_meets_it(activation):
    found = table("runs").query("activation == @activation and depth == 3").set_index("run_id")
    expected = pd.Series({run_id: plain_divergence(RUNS[run_id]) for run_id in found.index}, dtype="Int32")
    assert expected.nunique() >= 2
    pd.testing.assert_series_equal(found["diverged_at_step"], expected, check_names=False)
    assert (found["diverged_layer"].isna() == expected.isna()).all()


def test_a_rectifier_that_is_zero_everywhere_has_no_gradient():
    found = rows("gradients", "relu", DEAD).query("layer <= depth")
    assert (found["bias_gradient_norm"] == 0).all()
    assert (found["weight_gradient_norm"] == 0).all()
    assert (found["activation_std"] == 0).all()
    assert (found["dead_fraction"] == 1).all()


def test_a_sigmoid_that_is_one_everywhere_has_no_gradient():
    found = rows("gradients", "sigmoid", SATURATED).query("layer <= depth")
    assert (found["activation_mean"] == 1).all()
    assert (found["bias_gradient_norm"] == 0).all()
    assert (found["saturated_fraction"] == 1).all()


def test_weights_of_zero_give_constant_outputs_and_are_no_divergence():
    assert set(rows("runs", "sigmoid", ZERO)["status"]) == {"completed"}
    start = rows("gradients", "sigmoid", ZERO).query("step == 0")
    assert (start["activation_mean"] == 0.5).all()
    assert (start["activation_std"] == 0).all()
    assert (start["bias_gradient_norm"] == 0).tolist() == (start["layer"] <= 3).tolist()


def test_every_run_keeps_its_rows_and_from_its_divergence_on_they_are_empty():
    first_bad = table("runs").set_index("run_id")["diverged_at_step"].astype(float)
    for name in ("gradients", "accuracy", "clipping"):
        found = table(name)
        found = found.assign(step=found["epoch"] * STEPS) if name == "clipping" else found
        assert (found.groupby(["run_id", "depth"]).size().groupby("depth").nunique() == 1).all()
        after = found["step"] >= found["run_id"].map(first_bad)
        measures = found.select_dtypes("float").columns.difference(["epoch", "learning_rate"])
        assert after.any()
        assert found.loc[after, measures].isna().all(axis=None)
        always = measures.difference(["update_ratio", "saturated_fraction", "dead_fraction"])
        assert found.loc[found["run_id"].map(first_bad).isna(), always].notna().all(axis=None)


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "identity"])
def test_neighbours_of_overflowing_runs_are_bit_for_bit_what_they_are_alone(activation):
    for bundle, together in zip(plan(extreme.config()).bundles, extreme.bundles(), strict=True):
        if (bundle.activation.name, bundle.depth) == (activation, 3):
            diverged = set(together["runs"].query("status == 'diverged'")["run_id"])
            fine = [run for run in bundle.runs if run.seed == 1 and run.run_id not in diverged]
            assert diverged
            for part in (fine, fine[:1], fine[-2:]):
                alone = train_runs(part, "alone", IMAGES, TRAINING)
                ids = {run.run_id for run in part}
                of_part = {name: frame[frame["run_id"].isin(ids)] for name, frame in together.items()}
                assert_identical(alone, {n: frame.reset_index(drop=True) for n, frame in of_part.items()})


def test_cells_count_diverged_runs_and_leave_them_out_of_means(folder, runs):
    cells = pd.read_parquet(folder / "tables" / "cells.parquet").set_index("cell_id")
    diverged = runs["status"].eq("diverged").groupby(runs["cell_id"].astype(str)).sum()
    assert set(diverged) == {0, 1, 2}
    assert cells["runs_diverged"].to_dict() == diverged.to_dict()
    rest = runs[runs["status"] == "completed"]
    means = rest["test_accuracy"].groupby(rest["cell_id"].astype(str)).mean().reindex(cells.index)
    np.testing.assert_allclose(cells["test_accuracy_mean"], means, rtol=1e-6)
    assert cells["test_accuracy_mean"].isna().equals(cells["runs_diverged"].eq(2))
    assert set(runs.loc[runs["status"] == "diverged", "verdict"]) == {"diverged"}
    assert np.isfinite(cells[[f"{name}_mean" for name in SUMMARISED]].fillna(0)).all(axis=None)


def test_runs_that_diverge_are_ranked_last(runs):
    ranks = statistics(runs)["ranks"].set_index("initializer")
    assert ranks["mean_rank"].idxmax() == label(TOO_LARGE)
    lost = (runs["status"] == "diverged").groupby(runs["initializer"].astype(str)).sum()
    assert ranks["runs_diverged"].to_dict() == lost.to_dict()


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_is_drawn_and_legible(name, folder, monkeypatch):
    assert_legible(drawn(folder / "tables", name), monkeypatch)


def test_the_report_is_built_and_counts_them(folder, runs):
    page = Page(build(folder))
    assert f"{(runs['status'] == 'diverged').sum()} of {len(runs)} runs diverged" in page.text
    assert " nan" not in page.text.lower()


ENDS = (LARGEST, -LARGEST, LARGEST / 2, 1e-320, 0.0, 1.0, 1 - 1e-9)
REGISTRIES = {
    "activation": "activations",
    "initializer": "initializers",
    "clipping": "clipping",
    "optimizer": "optimizers",
}


def accepted(factor):
    """Configurations with one parameter of an entry at an end of what the configuration lets through."""
    for name, spec in entries(REGISTRIES[factor]).items():
        for key, value in product(spec.parameters, ENDS):
            levels = {
                "depth": 2,
                "activation": ["sigmoid", "relu"],
                "initializer": ["kaiming_normal", "xavier_uniform"],
            }
            with suppress(ValidationError):
                yield extreme.config(**levels | {factor: {name: {key: value}}})


@pytest.mark.parametrize("factor", telling(REGISTRIES, "activation", "clipping"))
def test_whatever_the_configuration_lets_through_has_an_outcome(factor):
    given = list(accepted(factor))
    assert len(given) >= 6
    for config in given:
        for bundle in plan(config).bundles[:2]:
            found = train_runs(bundle.runs, bundle.key, IMAGES, config.training)["runs"]
            diverged = found["status"] == "diverged"
            assert found["status"].isin(["diverged", "completed"]).all()
            for column in ("diverged_at_step", "diverged_layer"):
                assert found[column].notna().equals(diverged)
            assert found["test_accuracy"].isna().equals(diverged)
