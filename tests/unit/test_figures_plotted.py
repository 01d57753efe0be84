"""The figures, by what they plot: lines, colours and labels, not pixels."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
import synthetic
from drawings import drawn, line, panels
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from gradgrid.figures import clipping, factors, flow, matrix, stretch
from gradgrid.figures.levels import ordered, spread_out
from gradgrid.figures.numbers import signed


def test_speed_at_initialization_plots_the_median_over_seeds_on_a_log_axis(small_grid):
    made = drawn(small_grid, "speed_at_initialization")
    axes = panels(made.figure, "depth 4")[0]
    rows = pd.read_parquet(small_grid / "gradients.parquet")
    rows = rows[(rows["step"] == 0) & (rows["depth"] == 4) & (rows["activation"] == "sigmoid")]
    rows = rows[(rows["clipping"] == "none") & (rows["initializer"] == "lecun_normal")]
    expected = rows.groupby("layer")["bias_gradient_norm"].median()
    plotted = line(axes, "lecun_normal")
    np.testing.assert_array_equal(plotted.get_xdata(), [1, 2, 3, 4, 5])
    np.testing.assert_allclose(plotted.get_ydata(), expected, rtol=1e-6)
    assert axes.get_yscale() == "log"
    below = made.figure.findobj(Axes)[2]
    assert [label.get_text() for label in below.get_xticklabels()] == ["1", "out"]


def test_speed_at_initialization_draws_zeros_on_the_edge_of_the_axis(tmp_path):
    folder = synthetic.write(
        tmp_path, depths=(2,), activations=("sigmoid",), initializers=("uniform", "lsuv"), seeds=2
    )
    axes = panels(drawn(folder, "speed_at_initialization").figure)[0]
    assert list(line(axes, "uniform").get_ydata()[:2]) == [axes.get_ylim()[0]] * 2


def test_speed_over_training_shows_the_book_its_remedy_and_what_explodes(default_grid):
    made = drawn(default_grid, "speed_over_training")
    rows = {axes.get_ylabel() for axes in made.figure.findobj(Axes)} - {""}
    assert {"sigmoid\nlecun_normal", "relu\nkaiming_normal"} < rows
    assert len(rows) == 3
    axes = panels(made.figure, "depth 2")[0]
    assert {line.get_label() for line in axes.lines} >= {"1", "2", "3"}
    lower, upper = line(axes, "1").get_ydata()[0], line(axes, "2").get_ydata()[0]
    assert lower < upper


def test_speed_over_training_chooses_by_rule_where_the_book_is_not_in_the_grid(tmp_path):
    folder = synthetic.write(
        tmp_path, depths=(4,), activations=("tanh", "elu"), initializers=("sparse", "lsuv", "normal"), seeds=1
    )
    made = drawn(folder, "speed_over_training")
    rows = [axes.get_ylabel() for axes in made.figure.findobj(Axes) if axes.get_ylabel()]
    assert [row.split("\n")[1] for row in rows] == ["sparse", "lsuv", "normal"]
    assert "vanishes most, the most even one and the one that explodes most" in made.caption


def test_a_diverged_line_ends_with_a_cross(tmp_path):
    folder = synthetic.write(
        tmp_path, depths=(2,), activations=("relu",), initializers=("normal",), seeds=2, all_diverge=True
    )
    axes = panels(drawn(folder, "speed_over_training").figure)[0]
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    assert len(crosses) == 3
    assert crosses[0].get_xdata()[0] < 25_000


def test_flow_maps_hold_log10_of_the_median_by_layer_and_step(small_grid):
    made = drawn(small_grid, "speed_by_layer_and_epoch")
    axes = panels(made.figure)[0]
    rows = pd.read_parquet(small_grid / "gradients.parquet")
    rows = rows[(rows["depth"] == 4) & (rows["clipping"] == "none") & (rows["activation"] == "sigmoid")]
    maps = flow.flow_maps(rows.astype({"activation": str, "initializer": str}))
    first = ordered("initializer", ["normal", "lecun_normal"])[0]
    np.testing.assert_allclose(axes.images[0].get_array(), maps["sigmoid", first], rtol=1e-5)
    assert maps["sigmoid", first].shape == (5, 10)
    assert "depth 4 (not shown: 1)" in made.shown


def test_a_speed_of_zero_takes_the_lowest_colour_and_a_diverged_one_none(tmp_path):
    folder = synthetic.write(
        tmp_path, depths=(4,), activations=("sigmoid", "relu"), initializers=("uniform",), seeds=1
    )
    sigmoid, relu = (
        axes.images[0].get_array()
        for axes in drawn(folder, "speed_by_layer_and_epoch").figure.findobj(Axes)
        if axes.images
    )
    assert not np.ma.getmaskarray(sigmoid)[:4, 0].any()
    assert np.ma.getmaskarray(relu)[:, -1].all()


@pytest.mark.parametrize(
    ("name", "column", "text"),
    [
        ("final_accuracy", "validation_accuracy_mean", lambda value: f"{100 * value:.1f}"),
        ("gradient_slope", "gradient_slope_mean", signed),
    ],
)
def test_cell_heat_maps_hold_the_cells_and_say_them(name, column, text, default_grid):
    first, *_, axes = panels(drawn(default_grid, name).figure)
    cells = pd.read_parquet(default_grid / "cells.parquet")
    cells = cells[(cells["depth"] == 8) & (cells["clipping"] == "none")].set_index(
        ["initializer", "activation"]
    )
    initializers, activations = (
        [label.get_text() for label in labels] for labels in (first.get_yticklabels(), axes.get_xticklabels())
    )
    assert (set(initializers), set(activations)) == (set(synthetic.INITIALIZERS), set(synthetic.ACTIVATIONS))
    expected = np.array([[cells.loc[(i, a), column] for a in activations] for i in initializers])
    np.testing.assert_allclose(axes.collections[0].get_array().filled(np.nan), expected)
    row, column = initializers.index("lsuv"), activations.index("tanh")
    said = next(t.get_text() for t in axes.texts if t.get_position() == (column + 0.5, row + 0.5))
    assert said == text(expected[row, column])


def test_final_accuracy_marks_cells_that_diverged_with_all_or_some_seeds():
    values = pd.DataFrame([[np.nan, 0.9]], index=["normal"], columns=["relu", "tanh"])
    texts = pd.DataFrame([["div.", "90.0"]], index=["normal"], columns=["relu", "tanh"])
    hatched, cornered = values.isna(), values.notna()
    scale = matrix.Scale(matplotlib.colormaps["viridis"], matplotlib.colors.Normalize(0, 1), "a")
    body = Figure(layout="constrained").subfigures()
    axes = matrix.heat_maps(body, [matrix.Matrix("depth 8", values, texts, hatched, cornered)], scale)[0]
    covered = [patch for patch in axes.patches if patch.get_hatch()]
    corners = [patch for patch in axes.patches if isinstance(patch, Polygon)]
    assert [patch.get_xy() for patch in covered] == [(0, 0)]
    assert len(corners) == 1
    assert corners[0].get_xy()[0][0] > 1


def test_heat_maps_need_no_canvas_before_the_figure_is_drawn(monkeypatch):
    """One for each label takes time and memory as the square of the number of panels."""
    sizes = []
    made = RendererAgg.__init__
    monkeypatch.setattr(RendererAgg, "__init__", lambda *size: sizes.append(size) or made(*size))
    values = pd.DataFrame([[0.1, 0.9]], index=["normal"], columns=["relu", "tanh"])
    scale = matrix.Scale(matplotlib.colormaps["viridis"], matplotlib.colors.Normalize(0, 1), "a")
    figure = Figure(layout="constrained")
    matrix.heat_maps(figure.subfigures(), [matrix.Matrix("depth 8", values, values.map(str))] * 3, scale)
    assert sizes == []
    figure.draw_without_rendering()
    assert sizes


def test_the_slope_scale_is_centred_and_depth_1_has_no_panel(default_grid):
    made = drawn(default_grid, "gradient_slope")
    assert [axes.get_title() for axes in panels(made.figure)] == ["depth 2", "depth 4", "depth 8"]
    norm = panels(made.figure)[0].collections[0].norm
    assert norm.vmin == -norm.vmax


def test_training_curves_plot_the_median_and_a_band_over_seeds(small_grid):
    axes = panels(drawn(small_grid, "training_curves").figure, "depth 4")[0]
    rows = pd.read_parquet(small_grid / "accuracy.parquet")
    rows = rows[(rows["split"] == "validation") & (rows["depth"] == 4) & (rows["activation"] == "sigmoid")]
    rows = rows[(rows["clipping"] == "none") & (rows["initializer"] == "lecun_normal")]
    by_epoch = rows.groupby("epoch")["accuracy"]
    np.testing.assert_allclose(line(axes, "lecun_normal").get_ydata(), by_epoch.median())
    edges = np.concatenate([band.get_paths()[0].vertices[:, 1] for band in axes.collections])
    assert np.isclose(edges, by_epoch.min().iloc[-1]).any()
    assert np.isclose(edges, by_epoch.max().iloc[-1]).any()


def test_clipped_steps_are_means_over_epochs_and_seeds(small_grid):
    first, axes = panels(drawn(small_grid, "clipped_steps").figure)[:2]
    assert axes.get_title() == "norm=1, depth 4"
    rows = pd.read_parquet(small_grid / "clipping.parquet")
    rows = rows[(rows["depth"] == 4) & (rows["clipping"] == "norm=1")]
    means = rows.groupby(["initializer", "activation"], observed=True)["clipped_fraction"].mean()
    row = [label.get_text() for label in first.get_yticklabels()].index("normal")
    column = [label.get_text() for label in axes.get_xticklabels()].index("relu")
    plotted = axes.collections[0].get_array()[row, column]
    assert plotted == pytest.approx(means["normal", "relu"])


def test_runs_are_paired_by_cell_and_seed_and_divergence_has_its_own_place():
    keys = {"depth": 8, "activation": "relu", "initializer": "normal"}
    seeds = {"seed": [0, 1, 0, 1], "clipping": ["none", "none", "norm=1", "norm=1"]}
    outcome = {"status": ["completed", "diverged", "completed", "completed"]}
    rows = pd.DataFrame({**keys, **seeds, **outcome, "validation_accuracy": [0.5, np.nan, 0.7, 0.6]})
    pairs = clipping.paired(rows.sample(frac=1, random_state=3), "norm=1").set_index("seed")
    assert pairs.loc[0, ["unclipped", "clipped"]].tolist() == [0.5, 0.7]
    assert pairs.loc[1].isna()["unclipped"]
    assert pairs.loc[1, "clipped"] == 0.6


def test_accuracy_with_clipping_counts_what_it_saved(default_grid):
    made = drawn(default_grid, "accuracy_with_clipping")
    axes = panels(made.figure, "depth 8")[0]
    runs = pd.read_parquet(default_grid / "runs.parquet")
    diverged = ((runs["clipping"] == "none") & (runs["status"] == "diverged") & (runs["depth"] == 8)).sum()
    assert axes.texts[0].get_text().startswith(f"saved {diverged}, lost 0")
    at_divergence = sum((line.get_xdata() == stretch.DIVERGED_AT).sum() for line in axes.lines[1:])
    assert at_divergence == diverged


def test_the_spread_over_a_level_ranks_diverged_runs_last():
    runs = pd.DataFrame(
        {"width": [10] * 4 + [30] * 2, "validation_accuracy": [0.9, 0.8, np.nan, 0.7, 0.95, 0.95]}
    )
    runs["status"] = ["completed", "completed", "diverged", "completed", "completed", "completed"]
    spread = factors.spread_by_level(runs, "width")
    assert spread.index.tolist() == [10, 30]
    assert spread["diverged"].tolist() == [0.25, 0.0]
    assert spread.loc[10, [0.05, 0.95]].tolist() == [stretch.DIVERGED_AT, 0.9]


def test_of_very_many_levels_a_part_is_drawn_and_the_caption_says_so(small_grid, monkeypatch):
    whole = drawn(small_grid, "accuracy_by_factor")
    assert "Drawn are" not in whole.caption
    monkeypatch.setattr(factors, "_MOST_ROWS", 2)
    part = drawn(small_grid, "accuracy_by_factor")
    rows, thinned = (
        [[label.get_text() for label in axes.get_yticklabels()] for axes in made.figure.findobj(Axes)]
        for made in (whole, part)
    )
    assert thinned == [[levels[0], levels[-1]] for levels in rows]
    assert "clipping 2 of 3 levels" in part.caption
    assert part.caption.endswith(whole.caption.rpartition("The medians")[2])


@pytest.mark.parametrize("most", [2, 3, 7, 40])
def test_levels_that_are_drawn_are_spread_out_from_the_first_to_the_last(most):
    chosen = spread_out(list(range(100)), most)
    assert (len(chosen), chosen[0], chosen[-1]) == (most, 0, 99)
    assert np.ptp(np.diff(chosen)) <= 1
    assert spread_out(["a", "b"], most) == ["a", "b"]


def test_accuracy_by_factor_has_a_row_for_every_level_of_every_varied_factor(small_grid):
    made = drawn(small_grid, "accuracy_by_factor")
    axes = made.figure.findobj(Axes)
    rows = {
        axis.get_title(loc="left"): [label.get_text() for label in axis.get_yticklabels()] for axis in axes
    }
    assert rows["depth"] == ["1", "4"]
    assert rows["clipping"] == ["none", "norm=1", "value=0.1"]
    assert set(rows) == {"depth", "activation", "initializer", "clipping"}
    runs = pd.read_parquet(small_grid / "runs.parquet")
    accuracy = runs["validation_accuracy"].where(runs["status"] != "diverged", stretch.DIVERGED_AT)
    dots = axes[0].lines[0].get_xdata()
    np.testing.assert_allclose(dots, accuracy.groupby(runs["depth"]).quantile(0.5, interpolation="nearest"))
