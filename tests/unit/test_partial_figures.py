"""Figures of a part of a grid: every cell asked for has its place; what is not there is crossed out, not left out."""

import numpy as np
import pandas as pd
import partial_tables
import pytest
from drawings import NAMES, assert_legible, drawn, panels
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from gradgrid.figures.source import Source
from gradgrid.figures.style import HOLE

THERE = 12 + 6 + 4
"""Runs: sigmoid at depths 1 and 2, and relu at depth 2."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("part")
    assert partial_tables.write(made).runs == THERE
    return made


def crossed(axes):
    """The places (x, y) of the fields of some axes that are crossed out; of a crossed panel (0, 0)."""
    found = (patch for patch in axes.patches if isinstance(patch, Rectangle))
    return {patch.get_xy() for patch in found if patch.get_hatch() == HOLE["hatch"]}


@pytest.mark.parametrize("name", NAMES)
def test_every_figure_says_how_much_is_there_and_is_legible(folder, name, monkeypatch):
    made = drawn(folder, name)
    assert f"· partial: {THERE} of 72 runs ·" in made.shown
    assert f"Partial: {THERE} of 72 runs; a field, panel or row that is crossed out, " in made.caption
    assert "3 seeds" not in made.caption.replace("up to 3 seeds", "")
    assert_legible(made, monkeypatch)


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_grid_has_no_holes(small_grid, name):
    made = drawn(small_grid, name)
    assert "artial" not in made.caption + made.shown
    assert not any(crossed(axes) for axes in made.figure.findobj(Axes))


@pytest.mark.parametrize("name", ["final_accuracy", "gradient_slope"])
def test_a_heat_map_crosses_the_cells_without_a_run(folder, name):
    figure = drawn(folder, name).figure
    holes = {axes.get_title(): crossed(axes) for axes in panels(figure)}
    everything = {(column, row) for column in (0, 1) for row in (0, 1)}
    assert holes.pop("depth 4") == everything
    assert holes.pop("depth 2") == {(0, 0)}  # normal with sigmoid
    assert holes in ({"depth 1": {(1, 0), (1, 1)}}, {})  # a slope needs two hidden layers
    assert not any(text.get_text() for text in panels(figure, "depth 4")[0].texts)


def test_clipped_steps_cross_them_too(folder):
    holes = {axes.get_title(): crossed(axes) for axes in panels(drawn(folder, "clipped_steps").figure)}
    assert holes == {
        "norm=1, depth 1": {(1, 0), (1, 1)},
        "norm=1, depth 2": {(0, 0)},
        "norm=1, depth 4": {(0, 0), (0, 1), (1, 0), (1, 1)},
    }


@pytest.mark.parametrize("name", ["speed_at_initialization", "training_curves"])
def test_a_panel_without_a_run_is_crossed_and_a_missing_line_is_not_drawn(folder, name):
    grid = np.reshape(drawn(folder, name).figure.findobj(Axes), (2, 3))
    assert [[bool(crossed(axes)) for axes in row] for row in grid] == [[0, 0, 1], [1, 0, 1]]
    labels = {line.get_label() for line in grid[0, 1].lines if not line.get_label().startswith("_")}
    assert labels == {"lecun_normal"}


def test_the_settings_over_training_are_chosen_at_the_greatest_depth_that_is_there(folder):
    made = drawn(folder, "speed_over_training")
    assert "With sigmoid and lecun_normal at depth 2, " in made.caption
    axes = panels(made.figure, "depth 4")[0]
    assert crossed(axes)
    assert axes.get_xlim() == panels(made.figure, "depth 1")[0].get_xlim()


def test_the_flow_is_that_of_the_greatest_depth_that_is_there(folder):
    made = drawn(folder, "speed_by_layer_and_epoch")
    assert made.title == "How the gradient flows through 2 hidden layers"
    assert "depth 2 (not shown: 1, 4)" in made.shown
    assert [bool(crossed(axes)) for axes in panels(made.figure)] == [True, False]


def test_a_level_without_a_run_keeps_its_row(folder):
    depths = next(axes for axes in drawn(folder, "accuracy_by_factor").figure.findobj(Axes))
    assert [label.get_text() for label in depths.get_yticklabels()] == ["1", "2", "4"]
    assert crossed(depths) == {(0, 1.5)}


def test_a_run_of_which_the_pair_is_missing_is_not_taken_for_diverged(tmp_path):
    def clips(runs):
        return (runs["depth"] == 1) & ((runs["clipping"] == "none") | (runs["seed"] == 0))

    partial_tables.write(tmp_path, clips)
    made = drawn(tmp_path, "accuracy_with_clipping")
    with_data, *rest = panels(made.figure)
    assert (
        sum(len(line.get_xdata()) for line in with_data.lines if line.get_label() in ("sigmoid", "relu")) == 4
    )
    assert all(crossed(axes) for axes in rest)
    assert "norm=1 saves 0 of 0 runs that diverge without it" in made.caption


def test_runs_that_clip_may_all_be_still_to_come(tmp_path):
    partial_tables.write(tmp_path, lambda runs: runs["clipping"] == "none")
    assert drawn(tmp_path, "clipped_steps").caption.startswith(
        "No run that clips is there yet. Partial: 36 of 72"
    )


def test_factors_that_are_not_spread_out_stay_where_the_most_is_there(tmp_path):
    partial_tables.write(
        tmp_path, lambda runs: (runs["learning_rate"] == 0.5) | (runs["seed"] == 0), learning_rates=(0.1, 0.5)
    )
    for table in ("cells", "gradients", "runs"):
        scope = Source(tmp_path, table).scope("depth", "activation", "initializer")
        assert (scope.fixed["learning_rate"], scope.fixed["clipping"]) == (0.5, "none")
        assert "learning rate 0.5 (not shown: 0.1)" in scope.words


def test_cells_without_a_run_have_a_row_with_no_seeds(folder):
    cells = pd.read_parquet(folder / "cells.parquet")
    assert cells["seeds"].value_counts().to_dict() == {0: 14, 3: 6, 1: 4}
    holes = cells[cells["seeds"] == 0]
    assert holes["dataset"].eq("mnist").all()
    assert holes["runs_diverged"].eq(0).all()
    assert holes.filter(regex="accuracy|slope|verdict|seconds").isna().all(axis=None)
