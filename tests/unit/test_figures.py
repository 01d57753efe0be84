"""The figures, by what they plot: lines, colours and labels, not pixels; and that no texts overlap."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
import synthetic
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from gradgrid.core import sidecars
from gradgrid.core.errors import GradgridError
from gradgrid.core.figures import figures
from gradgrid.core.tables import TABLES
from gradgrid.figures import clipping, factors, flow, matrix, stretch
from gradgrid.figures.draw import draw, drawing, settle
from gradgrid.figures.levels import ordered
from gradgrid.figures.numbers import counted, listed, signed, times
from gradgrid.figures.source import Source
from gradgrid.figures.style import SETTINGS, activation_points, initializer_lines, legible_on

NAMES = list(figures())
NOTICE = "MNIST could not be had (no network): this grid was trained on the embedded digits instead."


@pytest.fixture(autouse=True)
def style():
    with matplotlib.rc_context(SETTINGS):
        yield


@pytest.fixture(scope="module")
def default_grid(tmp_path_factory):
    """The tables of a grid of the default size."""
    return synthetic.write(tmp_path_factory.mktemp("default"))


@pytest.fixture(scope="module")
def small_grid(tmp_path_factory):
    levels = {"depths": (1, 4), "activations": ("sigmoid", "relu"), "seeds": 3}
    return synthetic.write(
        tmp_path_factory.mktemp("small"), initializers=("normal", "lecun_normal"), **levels
    )


def drawn(folder, name, notice=None):
    """The drawing of a figure, laid out."""
    spec = figures()[name]
    made = drawing(spec, Source(folder, spec.table, notice))
    settle(made.figure)
    return made


def panels(figure, heading=None):
    """The axes with a title, in drawing order, or those with this one."""
    titled = [axes for axes in figure.findobj(matplotlib.axes.Axes) if axes.get_title()]
    return [axes for axes in titled if heading in (None, axes.get_title())]


def line(axes, label):
    return next(line for line in axes.lines if line.get_label() == label)


# The catalogue ----------------------------------------------------------------------------------------------


def test_the_catalogue_is_read_without_importing_what_draws():
    code = (
        "import sys; from gradgrid.core.figures import figures; figures(); "
        "print(sorted({'matplotlib', 'pandas', 'pyarrow', 'numpy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_catalogue_has_tables_orders_and_summaries():
    specs = figures().values()
    assert {spec.table for spec in specs} <= set(TABLES)
    assert [spec.order for spec in specs] == sorted({spec.order for spec in specs})
    assert all(spec.summary for spec in specs)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("@figure\ndef one(source): ...", "one: write @figure"),
        ("@figure(table='runs', order=1)\ndef one(source): ...", "one: write @figure"),
        ("@figure(table=NAME, order=1, chapter='A')\ndef one(source): ...", "one: write @figure"),
        ("@figure(table='runs', order=1, chapter='A')\ndef one(source): ...\n" * 2, "the same name"),
    ],
)
def test_a_declaration_that_breaks_the_rules_is_named(source, says, tmp_path):
    (tmp_path / "module.py").write_text(source)
    with pytest.raises(GradgridError, match=says):
        figures(tmp_path)


# Files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_writes_picture_and_sidecar_with_the_same_bytes_each_time(name, small_grid, tmp_path):
    for folder in ("one", "two"):
        draw(name, small_grid, tmp_path / folder / name)
    for suffix in ("svg", "png", "json"):
        one, two = (tmp_path / folder / f"{name}.{suffix}" for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    assert len(list((tmp_path / "one").iterdir())) == 3
    sidecar = sidecars.read(tmp_path / "one" / f"{name}.json")
    assert (sidecar.name, sidecar.source_table) == (name, figures()[name].table)
    assert (sidecar.dataset, sidecar.notice) == ("mnist", None)
    assert sidecar.width_px == 1056
    assert all((sidecar.title, sidecar.caption, sidecar.alt, sidecar.shown, sidecar.units))
    assert str(tmp_path) not in (tmp_path / "one" / f"{name}.svg").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_the_notice_stands_on_the_figure_and_in_the_sidecar(name, tmp_path):
    folder = synthetic.write(
        tmp_path / "t", depths=(2,), activations=("relu",), initializers=("lsuv",), seeds=1, dataset="digits"
    )
    made = drawn(folder, name, NOTICE)
    assert any(NOTICE in text.get_text() for text in made.figure.findobj(Text))
    assert "digits" in made.shown
    draw(name, folder, tmp_path / name, NOTICE)
    assert sidecars.read(tmp_path / f"{name}.json").notice == NOTICE


def test_an_unknown_figure_and_a_missing_table_are_named(small_grid, tmp_path):
    with pytest.raises(GradgridError, match=r"'histogram' is unknown; there are speed_at_initialization, "):
        draw("histogram", small_grid, tmp_path / "histogram")
    with pytest.raises(GradgridError, match=r"cells\.parquet: cannot be read"):
        draw("final_accuracy", tmp_path, tmp_path / "final_accuracy")


def test_a_broken_sidecar_is_named(tmp_path):
    (tmp_path / "a.json").write_text('{"name": "a"}')
    with pytest.raises(GradgridError, match=r"a\.json: no sidecar"):
        sidecars.read(tmp_path / "a.json")
    with pytest.raises(GradgridError, match=r"b\.json: cannot be read"):
        sidecars.read(tmp_path / "b.json")


# What is plotted --------------------------------------------------------------------------------------------


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
    below = made.figure.findobj(matplotlib.axes.Axes)[2]
    assert [label.get_text() for label in below.get_xticklabels()] == ["1", "out"]


def test_speed_at_initialization_draws_zeros_on_the_edge_of_the_axis(tmp_path):
    folder = synthetic.write(
        tmp_path, depths=(2,), activations=("sigmoid",), initializers=("uniform", "lsuv"), seeds=2
    )
    axes = panels(drawn(folder, "speed_at_initialization").figure)[0]
    assert list(line(axes, "uniform").get_ydata()[:2]) == [axes.get_ylim()[0]] * 2


def test_speed_over_training_shows_the_book_its_remedy_and_what_explodes(default_grid):
    made = drawn(default_grid, "speed_over_training")
    rows = {axes.get_ylabel() for axes in made.figure.findobj(matplotlib.axes.Axes)} - {""}
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
    rows = [axes.get_ylabel() for axes in made.figure.findobj(matplotlib.axes.Axes) if axes.get_ylabel()]
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
        for axes in drawn(folder, "speed_by_layer_and_epoch").figure.findobj(matplotlib.axes.Axes)
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
    corners = [patch for patch in axes.patches if isinstance(patch, matplotlib.patches.Polygon)]
    assert [patch.get_xy() for patch in covered] == [(0, 0)]
    assert len(corners) == 1
    assert corners[0].get_xy()[0][0] > 1


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


def test_accuracy_by_factor_has_a_row_for_every_level_of_every_varied_factor(small_grid):
    made = drawn(small_grid, "accuracy_by_factor")
    axes = made.figure.findobj(matplotlib.axes.Axes)
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


# Grids of every kind ----------------------------------------------------------------------------------------

ALL_ACTIVATIONS = (
    "identity", "sigmoid", "tanh", "relu", "leaky_relu", "leaky_relu(negative_slope=0.3)", "elu", "selu",
    "gelu", "silu", "softplus", "softsign", "hardtanh",
)  # fmt: skip
ALL_INITIALIZERS = (
    *synthetic.INITIALIZERS,
    "trunc_normal",
    "torch_default",
    "normal(std=0.05)",
    "orthogonal(gain=2)",
)
ONE = {"activations": ("relu",), "initializers": ("kaiming_normal",), "clippings": ("none",)}
FEW = {"activations": ("sigmoid", "relu"), "initializers": ("normal", "lsuv"), "seeds": 2}
GRIDS = {
    "one level each": {**ONE, "depths": (2,), "seeds": 1},
    "depth 1 only": {**FEW, "depths": (1,)},
    "deep": {**FEW, "depths": (2, 30), "clippings": ("none",)},
    "everything diverged": {**FEW, "depths": (1, 4), "all_diverge": True},
    "clipping only": {**FEW, "depths": (4,), "clippings": ("norm=1",)},
    "further factors": {
        **FEW,
        "depths": (1, 4),
        "widths": (10, 30),
        "optimizers": ("sgd", "adam"),
        "learning_rates": (0.01, 0.1, 1.0),
    },
    "long labels": {
        "depths": (1, 4),
        "activations": ("leaky_relu(negative_slope=0.1)", "elu(alpha=0.5)"),
        "initializers": ("normal(std=0.05)", "uniform(low=-0.5, high=0.5)", "kaiming_normal"),
        "dataset": "digits",
        "seeds": 2,
        "epochs": 40,
    },
}


@dataclass(frozen=True)
class Box:
    """A text as it was drawn, with its bounding box in pixels."""

    text: str
    box: np.ndarray


def texts_drawn(figure, monkeypatch):
    """Every text that is really drawn, and where."""
    found = []
    original = Text.draw

    def spy(self, renderer, *arguments, **keywords):
        if self.get_visible() and self.get_text().strip():
            found.append(Box(self.get_text(), self.get_window_extent(renderer).extents))
        return original(self, renderer, *arguments, **keywords)

    monkeypatch.setattr(Text, "draw", spy)
    FigureCanvasAgg(figure).draw()
    monkeypatch.undo()
    return found


def collisions(texts, slack=1.0):
    """Pairs of texts of which the boxes overlap by more than ``slack`` pixels both ways."""
    boxes = np.array([text.box for text in texts])
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    overlap = np.minimum(high, boxes[None, :, 2:]) - np.maximum(low, boxes[None, :, :2])
    pairs = np.argwhere(np.triu((overlap > slack).all(-1), k=1))
    return [(texts[i].text, texts[j].text) for i, j in pairs]


def assert_legible(made, monkeypatch):
    """No text runs into another or out of the picture, and no missing number is said."""
    texts = texts_drawn(made.figure, monkeypatch)
    assert not collisions(texts)
    width, height = made.figure.bbox.size
    outside = [
        t.text for t in texts if (t.box[:2] < -1).any() or t.box[2] > width + 1 or t.box[3] > height + 1
    ]
    assert not outside
    assert not re.search(r"\bnan\b", f"{made.title} {made.caption} {made.alt} {made.shown}")


@pytest.fixture(scope="module")
def grids(tmp_path_factory):
    """Folders of tables by the name of their grid, made when first asked for."""
    made: dict[str, Path] = {}

    def folder(kind):
        if kind not in made:
            made[kind] = synthetic.write(tmp_path_factory.mktemp("grid"), **GRIDS[kind])
        return made[kind]

    return folder


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", GRIDS)
def test_every_figure_of_every_kind_of_grid_is_drawn_and_legible(kind, name, grids, monkeypatch):
    made = drawn(grids(kind), name, NOTICE if kind == "long labels" else None)
    assert_legible(made, monkeypatch)


@pytest.mark.parametrize("name", NAMES)
def test_the_default_grid_is_legible(name, default_grid, monkeypatch):
    assert_legible(drawn(default_grid, name), monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_largest_grid_is_legible(name, tmp_path_factory, monkeypatch):
    folder = synthetic.write(
        tmp_path_factory.mktemp("large"), activations=ALL_ACTIVATIONS, initializers=ALL_INITIALIZERS, seeds=2
    )
    assert_legible(drawn(folder, name), monkeypatch)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_nulls_is_drawn_or_explained(name, tmp_path):
    made = synthetic.tables(depths=(2,), activations=("relu",), initializers=("lsuv",), seeds=2)
    for frame in made.values():
        measured = frame.select_dtypes("float32").columns.difference(["epoch"])
        frame[measured] = np.nan
    assert drawn(synthetic.write(tmp_path, made), name).caption


def test_what_is_left_out_is_said(grids):
    shown = drawn(grids("further factors"), "final_accuracy").shown
    assert "clipping none (not shown: norm=1, value=0.1)" in shown
    assert "learning rate 0.01 (not shown: 0.1, 1.0)" in shown


# Small parts ------------------------------------------------------------------------------------------------


def test_levels_have_the_order_of_their_registry():
    assert ordered("depth", [8, 1, 10]) == [1, 8, 10]
    assert ordered("clipping", ["value=0.1", "norm=5", "none", "norm=1"])[:1] == ["none"]
    with_parameters = ordered(
        "activation", ["relu", "leaky_relu(negative_slope=0.1)", "leaky_relu", "sigmoid"]
    )
    assert with_parameters == ["sigmoid", "relu", "leaky_relu", "leaky_relu(negative_slope=0.1)"]


def test_styles_of_different_levels_differ_and_do_not_depend_on_the_company():
    styles = initializer_lines(ALL_INITIALIZERS)
    assert len(set(styles.values())) == len(ALL_INITIALIZERS)
    assert initializer_lines(["lsuv"])["lsuv"] == styles["lsuv"]
    assert initializer_lines(["normal(std=0.05)"])["normal(std=0.05)"].color == styles["normal"].color
    assert len(set(activation_points(ALL_ACTIVATIONS).values())) == len(ALL_ACTIVATIONS)


def test_text_on_colours_is_legible():
    assert (legible_on("#fde725"), legible_on("#440154")) == ("black", "white")


def test_the_stretched_scale_is_monotonic_and_inverted():
    accuracies = np.array([0.0, 0.1, 0.9, 0.99])
    np.testing.assert_allclose(stretch.unstretched(stretch.stretched(accuracies)), accuracies)
    np.testing.assert_allclose(np.diff(stretch.stretched(np.array([0, 0.9, 0.99]))), [1, 1])
    assert np.isfinite(stretch.stretched(np.array([1.0])))
    assert stretch.ticks(0.1, 0.93) == ([0.1, 0.5, 0.8, 0.9], ["10", "50", "80", "90"])


@pytest.mark.parametrize(
    ("ratio", "words"),
    [(1.04, "1.0 times"), (1.55, "1.6 times"), (9.96, "10.0 times"), (12.4, "12 times"),
     (1234.0, "1,200 times"), (7.2e10, "7·10¹⁰ times"), (0.034, "0.034 times")],
)  # fmt: skip
def test_ratios_in_words(ratio, words):
    assert times(ratio) == words


def test_numbers_in_words():
    assert (counted(1, "seed"), counted(4320, "run")) == ("1 seed", "4,320 runs")
    assert (signed(-1.2), signed(0.651), signed(-0.001)) == ("−1.20", "+0.65", "0.00")
    assert (listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])) == ("a", "a and b", "a, b and c")
