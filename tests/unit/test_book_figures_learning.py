"""The figures of the book's trainings and speeds of learning: what they plot, say, and how they cope."""

import re

import numpy as np
import pandas as pd
import pytest
import synthetic_book
from drawings import NOTICE, collisions, drawn, line, panels, texts_drawn
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from scipy import stats

from gradgrid.core.figures import figures
from gradgrid.core.references import references
from gradgrid.figures.book import learning, published
from gradgrid.figures.draw import draw
from gradgrid.figures.style import GREY

ACCURACY = ["book_accuracy", "book_final_accuracy", "book_initialization"]
SPEED = [
    "book_initial_speed",
    "book_training_speed",
    "book_training_weight_speed",
    "book_training_activations",
]
NAMES = [*ACCURACY, *SPEED]
SMALL = {"seeds": 5, "steps": 500, "chains": 2}
QUICK = {"seeds": 3, "steps": 4, "chains": 2}
KINDS = {
    "one of everything": {
        **QUICK, "seeds": 1, "depths": (2,), "widths": (30,), "initializers": ("normal",), "speed_depths": (3,),
        "training_depths": (2,), "activations": ("sigmoid",), "epochs": 1, "steps": 1,
    },
    "depth 1": {**QUICK, "depths": (1,), "speed_depths": (1,), "training_depths": (1,), "epochs": 2},
    "unpublished": {
        **QUICK, "depths": (3, 9), "widths": (17,), "initializers": ("uniform(low=-0.5, high=0.5)", "lsuv"),
        "speed_depths": (5, 30), "training_depths": (12,), "epochs": 40,
        "activations": ("tanh", "leaky_relu(negative_slope=0.3)"),
    },
    "many": {
        **QUICK, "depths": range(1, 11), "widths": (10, 30, 100, 300), "speed_depths": range(2, 11),
        "training_depths": (2, 3, 4, 6, 8), "activations": ("sigmoid", "tanh", "relu", "elu", "gelu", "softplus"),
    },
    "digits": {**QUICK, "dataset": "digits", "epochs": 8},
    "some diverged": {**QUICK, "diverged": 2, "epochs": 12},
    "all diverged": {**QUICK, "diverged": 3, "epochs": 12},
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The tables of the default settings with five seeds."""
    return synthetic_book.write(tmp_path_factory.mktemp("book"), **SMALL)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of tables by the name of their kind, made when first asked for."""
    made = {}

    def folder(kind):
        if kind not in made:
            made[kind] = synthetic_book.write(tmp_path_factory.mktemp("kind"), **KINDS[kind])
        return made[kind]

    return folder


def validation(folder, table="accuracy"):
    """The rows on the validation images after each epoch."""
    rows = pd.read_parquet(folder / f"{table}.parquet")
    return rows[(rows["split"] == "validation") & (rows["epoch"] > 0)].astype({"accuracy": float})


def measured(folder, table):
    """The rows of the hidden layers."""
    rows = pd.read_parquet(folder / f"{table}.parquet")
    return rows[rows["layer"] <= rows["depth"]].astype({"bias_gradient_norm": float})


def points(axes):
    """The book's points of a panel, as pairs, sorted."""
    lines = [line for line in axes.lines if line.get_marker() == "D"]
    return sorted((float(x), float(y)) for line in lines for x, y in zip(*line.get_data(), strict=True))


def band(axes, number):
    """Lower and upper edge of a panel's band."""
    polygon = axes.collections[number].get_paths()[0].vertices
    x = np.unique(polygon[:, 0])
    return np.array(
        [[polygon[polygon[:, 0] == at, 1].min(), polygon[polygon[:, 0] == at, 1].max()] for at in x]
    ).T


def book(reference):
    return np.array(references()[reference].numbers)


def assert_inside(axes):
    """Every point that is drawn lies within the axes."""
    for plotted in axes.lines:
        x, y = (np.asarray(values, float) for values in plotted.get_data())
        keep = np.isfinite(y)
        assert (x[keep] >= axes.get_xlim()[0]).all()
        assert (x[keep] <= axes.get_xlim()[1]).all()
        assert (y[keep] >= axes.get_ylim()[0]).all()
        assert (y[keep] <= axes.get_ylim()[1]).all()


def test_the_published_numbers_are_those_of_the_references():
    assert published.accuracies() == pytest.approx({1: 0.9648, 2: 0.9690, 3: 0.9657, 4: 0.9653})
    assert published.initializations()[100, "normal"] == pytest.approx({1: 0.8994, 30: 0.9742})
    assert published.speeds(3).loc[250].tolist() == book("book-speed-3-epoch-250").tolist()
    assert published.speeds(4).index.tolist() == [0, 100, 250, 499]
    assert published.speeds(9).empty
    assert f"{published.EPOCHS} epochs" in references()["book-accuracy-1"].setting


def test_accuracy_plots_means_with_students_intervals(small):
    whole, end = panels(drawn(small, "book_accuracy").figure)
    by_epoch = validation(small).query("depth == 3").pivot(index="seed", columns="epoch", values="accuracy")
    np.testing.assert_allclose(line(whole, "depth 3").get_ydata(), by_epoch.mean())
    np.testing.assert_array_equal(line(whole, "depth 3").get_xdata(), range(1, 31))
    np.testing.assert_array_equal(line(end, "depth 3").get_xdata(), range(15, 31))
    low, high = stats.t.interval(0.95, 4, by_epoch.mean(), stats.sem(by_epoch))
    np.testing.assert_allclose(band(whole, 2), [low, high])
    for axes in (whole, end):
        assert_inside(axes)


def test_accuracy_sets_the_books_numbers_right_of_epoch_30_in_the_order_of_depth(small):
    whole, end = panels(drawn(small, "book_accuracy").figure)
    x, y = np.transpose(points(end))
    assert (x > 30).all()
    np.testing.assert_allclose(y, [0.9648, 0.9690, 0.9657, 0.9653])
    assert points(whole) == []
    colors = [line(end, f"depth {depth}").get_color() for depth in (1, 2, 3, 4)]
    assert [line.get_markerfacecolor() for line in end.lines if line.get_marker() == "D"] == colors


def test_accuracy_says_which_depth_is_best_first_and_last(small):
    means = validation(small).groupby(["epoch", "depth"])["accuracy"].mean().unstack()
    caption = drawn(small, "book_accuracy").caption
    for epoch in (1, 30):
        of_epoch = means.loc[epoch]
        best, worst = of_epoch.idxmax(), of_epoch.idxmin()
        said = f"After epoch {epoch} depth {best} is the best ({100 * of_epoch[best]:.2f} %), depth {worst} the worst"
        assert said in caption


def test_few_epochs_have_one_panel_and_none_of_the_books_points(folders):
    made = drawn(folders("depth 1"), "book_accuracy")
    (axes,) = panels(made.figure)
    assert points(axes) == []
    assert "book" not in made.caption


def test_final_accuracy_has_a_dot_a_run_and_the_mean_with_its_interval(small):
    (axes,) = drawn(small, "book_final_accuracy").figure.findobj(Axes)
    runs = validation(small).query("depth == 2").pivot(index="seed", columns="epoch", values="accuracy")
    found = {name: [line for line in axes.lines if line.get_label() == name][1] for name in ("last", "best")}
    np.testing.assert_allclose(found["last"].get_ydata(), runs[30])
    np.testing.assert_allclose(found["best"].get_ydata(), runs.max(axis=1))
    assert found["best"].get_markerfacecolor() == "none"
    assert len(set(found["last"].get_xdata())) == 5
    low, high = stats.t.interval(0.95, 4, runs[30].mean(), stats.sem(runs[30]))
    of_depth = [line.get_ydata() for line in axes.lines if abs(np.mean(line.get_xdata()) - 1) < 0.5]
    assert any(np.allclose(values, [low, high]) for values in of_depth if len(values) == 2)
    assert any(np.allclose(values, runs[30].mean()) for values in of_depth if len(values) == 1)
    np.testing.assert_allclose(points(axes), [(0, 0.9648), (1, 0.9690), (2, 0.9657), (3, 0.9653)])
    assert_inside(axes)


def test_final_accuracy_says_the_numbers(small):
    caption = drawn(small, "book_final_accuracy").caption
    last = validation(small).query("epoch == 30").pivot(index="seed", columns="depth", values="accuracy")
    half = stats.t.ppf(0.975, 4) * stats.sem(last[4])
    mean = f"depth 4 {100 * last[4].mean():.2f} ± {100 * half:.2f} % (standard deviation {100 * last[4].std():.2f})"
    assert f"{mean}, the book's 96.53 % above {(last[4] < 0.9653).sum()} of 5 runs" in caption
    change = 100 * (last[2] - last[1])
    assert f"+{change.mean():.2f} ± {stats.t.ppf(0.975, 4) * stats.sem(change):.2f} at depth 2" in caption
    best = validation(small).groupby(["depth", "seed"])["accuracy"].max().unstack("depth")
    assert f"is {100 * (best - last).mean().mean():.2f} points higher on average" in caption


def test_runs_that_diverged_are_counted_and_left_out(folders):
    folder = folders("some diverged")
    made = drawn(folder, "book_final_accuracy")
    last = validation(folder).query("depth == 1 and epoch == 12")["accuracy"]
    assert last.notna().sum() == 1
    dots = made.figure.findobj(Axes)[0].lines[0].get_ydata()
    np.testing.assert_allclose(dots, last)
    assert "8 runs diverged" in made.caption
    assert "diverged" in drawn(folder, "book_initialization").caption
    assert drawn(folders("all diverged"), "book_final_accuracy").caption.startswith("Every run diverged")


def test_initialization_plots_means_and_ranges_and_the_books_points(small):
    made = drawn(small, "book_initialization")
    axes = panels(made.figure, "width 100")[0]
    runs = validation(small, "initialization").query("width == 100 and initializer == 'normal'")
    runs = runs.pivot(index="seed", columns="epoch", values="accuracy")
    np.testing.assert_allclose(line(axes, "normal").get_ydata(), runs.mean())
    bands = [band(axes, number) for number in (0, 1)]
    assert any(np.allclose(edges, [runs.min(), runs.max()]) for edges in bands)
    np.testing.assert_allclose(points(axes), [(1, 0.8994), (1, 0.9295), (30, 0.9742), (30, 0.9781)])
    assert f"normal {100 * runs[1].mean():.2f} % and {100 * runs[30].mean():.2f} %" in made.caption
    assert_inside(axes)


def test_initialization_with_fewer_epochs_has_the_books_first_epoch_alone(folders):
    axes = panels(drawn(folders("some diverged"), "book_initialization").figure, "width 30")[0]
    np.testing.assert_allclose(points(axes), [(1, 0.8643), (1, 0.9270)])


def test_initial_speed_has_boxes_of_the_hidden_layers_and_the_books_points(small):
    axes = panels(drawn(small, "book_initial_speed").figure, "depth 4")[0]
    speeds = measured(small, "initial_speed").query("depth == 4").groupby("layer")["bias_gradient_norm"]
    assert len(axes.patches) == 4
    box = axes.patches[1]
    assert [box.get_y(), box.get_y() + box.get_height()] == pytest.approx(
        speeds.quantile([0.05, 0.95])[2].tolist()
    )
    assert line(axes, "median 2").get_ydata() == pytest.approx([speeds.median()[2]] * 2)
    assert line(axes, "range 2").get_ydata() == pytest.approx([speeds.min()[2], speeds.max()[2]])
    assert points(axes) == list(enumerate(book("book-speed-4-epoch-0"), start=1))
    assert axes.get_yscale() == "log"
    assert_inside(axes)
    assert points(panels(drawn(small, "book_initial_speed").figure, "depth 5")[0]) == []


def test_initial_speed_says_ratios_and_shares(small):
    made = drawn(small, "book_initial_speed")
    speeds = measured(small, "initial_speed").query("depth == 2")
    speeds = speeds.pivot(index="seed", columns="layer", values="bias_gradient_norm")
    ratio = stats.gmean(speeds[2] / speeds[1])
    (said,) = [text.get_text() for text in panels(made.figure, "depth 2")[0].texts]
    first, last = book("book-speed-2-epoch-0")
    assert said == f"{ratio:.1f} times\n(book {last / first:.1f})"
    assert f"{ratio:.1f} times at depth 2" in made.caption
    shares = [100 * (speeds[layer] < value).mean() for layer, value in ((1, first), (2, last))]
    assert f"{shares[0]:.0f} and {shares[1]:.0f} % at depth 2" in made.caption


def test_a_speed_of_zero_is_drawn_on_the_edge_and_has_no_ratio(tmp_path):
    made = synthetic_book.tables(**QUICK, speed_depths=(2,))
    rows = made["initial_speed"]
    rows.loc[rows["layer"] == 1, "bias_gradient_norm"] = 0.0
    figure = drawn(synthetic_book.write(tmp_path, made), "book_initial_speed")
    axes = panels(figure.figure, "depth 2")[0]
    assert set(line(axes, "median 1").get_ydata()) == {axes.get_ylim()[0]}
    assert not axes.texts
    assert figure.caption.endswith("drawn on its edge.")


@pytest.mark.parametrize(
    ("name", "column"),
    [("book_training_speed", "bias_gradient_norm"), ("book_training_weight_speed", "weight_gradient_norm")],
)
def test_training_plots_median_and_middle_90_percent_of_the_hidden_layers(name, column, small):
    axes = panels(drawn(small, name).figure, "depth 3")[0]
    rows = measured(small, "training_speed").query("depth == 3 and activation == 'sigmoid'")
    layers = [plotted.get_label() for plotted in axes.lines if plotted.get_marker() != "D"]
    assert layers == ["1", "2", "3"]
    steps = rows[rows["layer"] == 2].astype({column: float}).groupby("step")[column]
    np.testing.assert_allclose(line(axes, "2").get_ydata(), steps.median())
    np.testing.assert_allclose(band(axes, 1), [steps.quantile(0.05), steps.quantile(0.95)])
    assert axes.get_xscale() == "linear"
    assert_inside(axes)


def test_the_books_speeds_stand_on_the_lines_of_the_speed_of_learning_alone(small):
    made = drawn(small, "book_training_speed")
    axes = panels(made.figure, "depth 2")[0]
    expected = [(step, speed) for step in (0, 100, 250, 499) for speed in book(f"book-speed-2-epoch-{step}")]
    assert points(axes) == expected
    within = 0
    rows = measured(small, "training_speed").query("activation == 'sigmoid'")
    for depth, layer, step in [
        (d, k, s) for d in (2, 3, 4) for k in range(1, d + 1) for s in (0, 100, 250, 499)
    ]:
        of_point = rows.query("depth == @depth and layer == @layer and step == @step")["bias_gradient_norm"]
        value = book(f"book-speed-{depth}-epoch-{step}")[layer - 1]
        within += of_point.quantile(0.05) <= value <= of_point.quantile(0.95)
    assert f"Of the book's 36 points {within} lie within" in made.caption
    weights = drawn(small, "book_training_weight_speed")
    assert not any(points(axes) for axes in weights.figure.findobj(Axes))
    assert "book" not in weights.caption


def test_training_says_the_gap_of_the_deepest_networks(small):
    made = drawn(small, "book_training_activations")
    rows = measured(small, "training_speed").query("depth == 4 and activation == 'tanh'")
    speeds = rows.pivot(index=["step", "seed"], columns="layer", values="bias_gradient_norm")
    ratio = (speeds[4] / speeds[1]).groupby("step").median()
    assert (
        "At depth 4, the last hidden layer's speed of learning over the first's at step 0 and 499"
        in made.caption
    )
    assert f"tanh {ratio[0]:.2g} times and {ratio[499]:.2g} times" in made.caption


def test_activations_have_a_row_each_with_the_books_points_in_the_sigmoids(small):
    made = drawn(small, "book_training_activations")
    grid = np.reshape(made.figure.findobj(Axes), (3, 3))
    assert [axes.get_ylabel() for axes in grid[:, 0]] == ["sigmoid", "tanh", "relu"]
    assert [len(points(axes)) for axes in grid[:, 1]] == [12, 0, 0]
    rows = measured(small, "training_speed").query("depth == 2 and activation == 'relu' and layer == 1")
    np.testing.assert_allclose(
        line(grid[2, 0], "1").get_ydata(), rows.groupby("step")["bias_gradient_norm"].median()
    )


def test_without_the_sigmoid_or_without_another_activation_the_reason_stands_in_the_figure(folders):
    for name in ("book_training_speed", "book_training_weight_speed"):
        assert "sigmoid, was trained" in drawn(folders("unpublished"), name).caption
    assert (
        "Only sigmoid was trained" in drawn(folders("one of everything"), "book_training_activations").caption
    )


@pytest.mark.parametrize("name", [name for name in NAMES if name != "book_training_weight_speed"])
def test_on_other_images_the_books_points_are_grey_and_said_not_to_compare(name, tmp_path):
    folder = synthetic_book.write(tmp_path, **QUICK, dataset="digits")
    made = drawn(folder, name, NOTICE)
    of_book = [line for axes in made.figure.findobj(Axes) for line in axes.lines if line.get_marker() == "D"]
    assert of_book
    assert {to_hex(line.get_markeredgecolor()) for line in of_book} == {GREY}
    assert {line.get_markerfacecolor() for line in of_book} == {"none"}
    assert "in grey, are of MNIST and do not compare" in made.caption
    assert not re.search(r"the book's 9|Of the book's|than the book's", made.caption)
    assert any(NOTICE in text.get_text() for text in made.figure.findobj(Text))


def test_after_other_epochs_than_the_books_its_final_accuracies_do_not_compare(folders):
    made = drawn(folders("unpublished"), "book_final_accuracy")
    assert made.caption.endswith("are of 30 epochs and do not compare.")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_settings_is_drawn_and_legible(kind, name, folders, monkeypatch):
    assert_legible(drawn(folders(kind), name, NOTICE if kind == "digits" else None), monkeypatch)


@pytest.mark.parametrize("name", NAMES)
def test_the_default_settings_are_legible(name, small, monkeypatch):
    assert_legible(drawn(small, name), monkeypatch)


def assert_legible(made, monkeypatch):
    """No text runs into another or out of the picture, and no missing number is said."""
    texts = texts_drawn(made.figure, monkeypatch)
    assert not collisions(texts)
    width, height = made.figure.bbox.size
    assert not [
        t.text for t in texts if (t.box[:2] < -1).any() or t.box[2] > width + 1 or t.box[3] > height + 1
    ]
    assert not re.search(r"\bnan\b|\.\.|  ", f"{made.title} {made.caption} {made.alt} {made.shown}")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_nulls_is_explained(name, tmp_path):
    made = synthetic_book.tables(**QUICK)
    for table in ("accuracy", "initialization", "initial_speed", "training_speed"):
        frame = made[table]
        frame[frame.select_dtypes("float32").columns] = np.nan
    figure = drawn(synthetic_book.write(tmp_path, made), name)
    assert figure.alt.startswith("No figure: ")


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_written_with_the_same_bytes_each_time(name, folders, tmp_path):
    for folder in ("one", "two"):
        draw(name, folders("some diverged"), tmp_path / folder / name)
    for suffix in ("svg", "png", "json"):
        one, two = (tmp_path / folder / f"{name}.{suffix}" for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    assert figures()[name].chapter == "The book's chapter"


@pytest.mark.parametrize(
    ("accuracies", "labels"),
    [
        ([0.9601, 0.9695], ["96.0", "96.2", "96.4", "96.6", "96.8"]),
        ([0.86, 0.976], ["86", "88", "90", "92", "94", "96"]),
        ([0.1, 0.96], ["10", "50", "80", "90", "95"]),
    ],
)
def test_the_stretched_axis_has_round_labels(accuracies, labels):
    axes = Figure().subplots()
    learning.stretched_axis(axes, accuracies)
    assert [label.get_text() for label in axes.get_yticklabels()] == labels
    assert axes.get_ylim()[0] < accuracies[0] < accuracies[1] < axes.get_ylim()[1]
