"""The figures of the book's accuracies: what they plot and say."""

import numpy as np
import pandas as pd
import pytest
from book_drawings import assert_inside, band, book, points
from drawings import drawn, line, panels
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from gradgrid.core.references import references
from gradgrid.figures.book import learning, published


def validation(folder, table="accuracy"):
    """The rows on the validation images after each epoch."""
    rows = pd.read_parquet(folder / f"{table}.parquet")
    return rows[(rows["split"] == "validation") & (rows["epoch"] > 0)].astype({"accuracy": float})


def test_the_published_numbers_are_those_of_the_references():
    assert published.accuracies() == pytest.approx({1: 0.9648, 2: 0.9690, 3: 0.9657, 4: 0.9653})
    assert published.initializations()[100, "normal"] == pytest.approx({1: 0.8994, 30: 0.9742})
    assert published.speeds(3).loc[250].tolist() == book("book-speed-3-epoch-250").tolist()
    assert published.speeds(4).index.tolist() == [0, 100, 250, 499]
    assert published.speeds(9).empty
    assert f"{published.EPOCHS} epochs" in references()["book-accuracy-1"].setting


def test_accuracy_plots_means_with_students_intervals(small_book):
    whole, end = panels(drawn(small_book, "book_accuracy").figure)
    by_epoch = (
        validation(small_book).query("depth == 3").pivot(index="seed", columns="epoch", values="accuracy")
    )
    np.testing.assert_allclose(line(whole, "depth 3").get_ydata(), by_epoch.mean())
    np.testing.assert_array_equal(line(whole, "depth 3").get_xdata(), range(1, 31))
    np.testing.assert_array_equal(line(end, "depth 3").get_xdata(), range(15, 31))
    low, high = stats.t.interval(0.95, 4, by_epoch.mean(), stats.sem(by_epoch))
    np.testing.assert_allclose(band(whole, 2), [low, high])
    for axes in (whole, end):
        assert_inside(axes)


def test_accuracy_sets_the_books_numbers_right_of_epoch_30_in_the_order_of_depth(small_book):
    whole, end = panels(drawn(small_book, "book_accuracy").figure)
    x, y = np.transpose(points(end))
    assert (x > 30).all()
    np.testing.assert_allclose(y, [0.9648, 0.9690, 0.9657, 0.9653])
    assert points(whole) == []
    colors = [line(end, f"depth {depth}").get_color() for depth in (1, 2, 3, 4)]
    assert [line.get_markerfacecolor() for line in end.lines if line.get_marker() == "D"] == colors


def test_accuracy_says_which_depth_is_best_first_and_last(small_book):
    means = validation(small_book).groupby(["epoch", "depth"])["accuracy"].mean().unstack()
    caption = drawn(small_book, "book_accuracy").caption
    for epoch in (1, 30):
        of_epoch = means.loc[epoch]
        best, worst = of_epoch.idxmax(), of_epoch.idxmin()
        said = f"After epoch {epoch} depth {best} is the best ({100 * of_epoch[best]:.2f} %), depth {worst} the worst"
        assert said in caption


def test_few_epochs_have_one_panel_and_none_of_the_books_points(books):
    made = drawn(books("depth 1"), "book_accuracy")
    (axes,) = panels(made.figure)
    assert points(axes) == []
    assert "book" not in made.caption


def test_final_accuracy_has_a_dot_a_run_and_the_mean_with_its_interval(small_book):
    (axes,) = drawn(small_book, "book_final_accuracy").figure.findobj(Axes)
    runs = validation(small_book).query("depth == 2").pivot(index="seed", columns="epoch", values="accuracy")
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


def test_final_accuracy_says_the_numbers(small_book):
    caption = drawn(small_book, "book_final_accuracy").caption
    last = validation(small_book).query("epoch == 30").pivot(index="seed", columns="depth", values="accuracy")
    half = stats.t.ppf(0.975, 4) * stats.sem(last[4])
    mean = f"depth 4 {100 * last[4].mean():.2f} ± {100 * half:.2f} % (standard deviation {100 * last[4].std():.2f})"
    assert f"{mean}, the book's 96.53 % above {(last[4] < 0.9653).sum()} of 5 runs" in caption
    change = 100 * (last[2] - last[1])
    assert f"+{change.mean():.2f} ± {stats.t.ppf(0.975, 4) * stats.sem(change):.2f} at depth 2" in caption
    best = validation(small_book).groupby(["depth", "seed"])["accuracy"].max().unstack("depth")
    assert f"is {100 * (best - last).mean().mean():.2f} points higher on average" in caption


def test_runs_that_diverged_are_counted_and_left_out(books):
    folder = books("some diverged")
    made = drawn(folder, "book_final_accuracy")
    last = validation(folder).query("depth == 1 and epoch == 12")["accuracy"]
    assert last.notna().sum() == 1
    dots = made.figure.findobj(Axes)[0].lines[0].get_ydata()
    np.testing.assert_allclose(dots, last)
    assert "8 runs diverged" in made.caption
    assert "diverged" in drawn(folder, "book_initialization").caption
    assert drawn(books("all diverged"), "book_final_accuracy").caption.startswith("Every run diverged")


def test_initialization_plots_means_and_ranges_and_the_books_points(small_book):
    made = drawn(small_book, "book_initialization")
    axes = panels(made.figure, "width 100")[0]
    runs = validation(small_book, "initialization").query("width == 100 and initializer == 'normal'")
    runs = runs.pivot(index="seed", columns="epoch", values="accuracy")
    np.testing.assert_allclose(line(axes, "normal").get_ydata(), runs.mean())
    bands = [band(axes, number) for number in (0, 1)]
    assert any(np.allclose(edges, [runs.min(), runs.max()]) for edges in bands)
    np.testing.assert_allclose(points(axes), [(1, 0.8994), (1, 0.9295), (30, 0.9742), (30, 0.9781)])
    assert f"normal {100 * runs[1].mean():.2f} % and {100 * runs[30].mean():.2f} %" in made.caption
    assert_inside(axes)


def test_initialization_with_fewer_epochs_has_the_books_first_epoch_alone(books):
    axes = panels(drawn(books("some diverged"), "book_initialization").figure, "width 30")[0]
    np.testing.assert_allclose(points(axes), [(1, 0.8643), (1, 0.9270)])


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
