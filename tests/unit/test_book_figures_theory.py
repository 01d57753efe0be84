"""The figures of the chapter's theory: single neurons, the chain, the matrix form and the problems."""

import numpy as np
import pandas as pd
import pytest
import synthetic_book
from drawings import NOTICE, assert_legible, axes_of, drawn, line, panels, telling
from matplotlib.patches import Circle, Rectangle, StepPatch
from matplotlib.text import Text

from gradgrid.book import neuron, problems
from gradgrid.core import sidecars
from gradgrid.core.figures import figures
from gradgrid.core.references import references
from gradgrid.figures.book import matrix
from gradgrid.figures.book.problems import order
from gradgrid.figures.draw import draw
from gradgrid.figures.speed import layer_colors

NAMES = {
    "book_neurons": 222, "book_neuron_speeds": 224, "book_chain_slope": 265, "book_chain_factor": 267,
    "book_matrix": 270, "book_width_of_set": 275, "book_identity_neuron": 280, "book_steepness": 285,
}  # fmt: skip
OF_IMAGES = ("book_neurons", "book_neuron_speeds", "book_matrix", "book_steepness")
SETTINGS = {
    "default": {},
    "one of each": {"seeds": 1, "chains": 2, "depths": (1,), "speed_depths": (1,), "steepness": (0.5,)},
    "many": {"seeds": 3, "depths": (9,), "speed_depths": (30,), "steepness": (0.1, 0.5, 1, 2, 4, 8, 16, 100, 1000)},
    "digits": {"dataset": "digits", "seeds": 2, "chains": 100},
}  # fmt: skip


def made_tables(**options):
    """The tables that these figures read; the curves are the true ones, which take no training."""
    made = synthetic_book.tables(steps=1, epochs=1, **options)
    made["curves"] = pd.concat([*problems.curves(), *neuron.curves()])
    return {name: made[name] for name in ("neurons", "steepness", "chain", "matrix", "curves")}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of tables by the name of their settings."""
    return {
        name: synthetic_book.write(tmp_path_factory.mktemp("book"), made_tables(**options))
        for name, options in SETTINGS.items()
    }


@pytest.fixture
def book(folders):
    """The folder of the default settings."""
    return folders["default"]


def changed(book, folder, table, change):
    """A copy of one table, changed."""
    frame = change(pd.read_parquet(book / f"{table}.parquet"))
    return synthetic_book.write(folder, {table: frame})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("settings", telling(SETTINGS, "default", "one of each"))
def test_every_figure_is_drawn_and_legible_with_every_settings(settings, name, folders, monkeypatch):
    made = drawn(folders[settings], name, NOTICE if settings == "digits" else None)
    assert_legible(made, monkeypatch)
    assert made.caption.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_leaves_its_files_with_its_place_and_the_notice(name, folders, tmp_path):
    draw(name, folders["digits"], tmp_path / name, NOTICE)
    sidecar = sidecars.read(tmp_path / f"{name}.json")
    table = figures()[name].table
    notice = None if table in ("book/chain", "book/curves") else NOTICE  # these come from no images
    assert (sidecar.source_table, sidecar.notice, sidecar.width_px) == (table, notice, 1056)
    assert (sidecar.chapter, sidecar.order) == ("The book's chapter", NAMES[name])
    assert sidecar.dataset == ("digits" if name in OF_IMAGES else "")
    assert ("digits" in sidecar.shown) == (name in OF_IMAGES)
    assert all((tmp_path / f"{name}.{suffix}").stat().st_size for suffix in ("svg", "png"))


def test_the_bars_in_the_neurons_have_one_scale_and_the_numbers_stand_beside_them(book):
    made = drawn(book, "book_neurons")
    (axes,) = axes_of(made)
    rows = pd.read_parquet(book / "neurons.parquet")
    first = rows[(rows["seed"] == 0) & (rows["neuron"] <= 6)].sort_values(["layer", "neuron"])
    speeds = first["bias_gradient"].abs().to_numpy()
    bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    heights = np.array([bar.get_height() for bar in bars])
    np.testing.assert_allclose(heights / heights.max(), speeds / speeds.max(), rtol=1e-5)
    circles = [patch for patch in axes.patches if isinstance(patch, Circle)]
    assert [circle.center[0] for circle in circles] == [circles[0].center[0]] * 6 + [circles[6].center[0]] * 6
    for circle, bar in zip(circles, bars, strict=True):
        assert bar.get_height() < 2 * circle.radius
        assert circle.contains_point(axes.transData.transform(bar.get_center()))
    assert [bar.get_facecolor() for bar in bars] == [layer_colors(2)[layer] for layer in first["layer"]]
    said = [text.get_text() for text in axes.texts]
    assert [text for text in said if text.startswith("0.")] == [f"{speed:.4f}" for speed in speeds]
    assert said.count("⋮\n24 more") == 2
    assert len(axes.collections[0].get_segments()) == 36
    assert f"the longest is {speeds.max():.4f}" in made.caption
    lengths = np.sqrt(rows[rows["seed"] == 0].groupby("layer")["bias_gradient"].agg(lambda b: (b**2).sum()))
    assert f"{lengths[1]:.3f} and {lengths[2]:.3f}." in made.caption


def test_the_neurons_are_the_first_seeds_whichever_it_is(book, tmp_path):
    folder = changed(book, tmp_path, "neurons", lambda rows: rows[rows["seed"].isin([7, 5])])
    made = drawn(folder, "book_neurons")
    assert "seed 5" in made.shown
    rows = pd.read_parquet(folder / "neurons.parquet")
    longest = rows.loc[(rows["seed"] == 5) & (rows["neuron"] <= 6), "bias_gradient"].abs().max()
    assert f"the longest is {longest:.4f}" in made.caption


def test_all_neurons_of_all_seeds_are_counted_in_the_histograms(book):
    made = drawn(book, "book_neuron_speeds")
    distribution, by_seed = axes_of(made)
    rows = pd.read_parquet(book / "neurons.parquet").assign(speed=lambda rows: rows["bias_gradient"].abs())
    outlines = [patch for patch in distribution.patches if patch.get_label().endswith("hidden layer")]
    for layer, outline in enumerate(outlines, start=1):
        share, edges, _ = outline.get_data()
        speed = rows.loc[rows["layer"] == layer, "speed"]
        assert share.sum() == pytest.approx(100)
        upper = edges[len(edges) // 2]
        expected = 100 * (speed < upper).mean()
        assert share[edges[:-1] < 0.999 * upper].sum() == pytest.approx(expected)
        assert line(distribution, f"median {layer}").get_xdata()[0] == pytest.approx(speed.median())
    assert distribution.get_xscale() == "log"
    medians = rows.groupby(["layer", "seed"])["speed"].median()
    dots = line(by_seed, "seeds")
    np.testing.assert_allclose(dots.get_xdata(), medians[1], rtol=1e-6)
    np.testing.assert_allclose(dots.get_ydata(), medians[2], rtol=1e-6)
    assert by_seed.get_xlim() == by_seed.get_ylim()
    assert f"{(medians[2] > medians[1]).sum()} of 200 seeds" in made.caption


def test_seeds_in_which_the_second_layer_is_slower_are_not_counted(book, tmp_path):
    def swapped(rows):
        slow = rows["seed"] < 3
        rows["layer"] = rows["layer"].where(~slow, 3 - rows["layer"])
        return rows[rows["seed"] < 10]

    made = drawn(changed(book, tmp_path, "neurons", swapped), "book_neuron_speeds")
    assert "7 of 10 seeds" in made.caption


def test_the_slope_is_drawn_with_its_largest_value(book):
    made = drawn(book, "book_chain_slope")
    (axes,) = axes_of(made)
    z, slope = line(axes, "slope").get_data()
    np.testing.assert_allclose(slope, 1 / (2 * np.cosh(z / 2)) ** 2, atol=1e-12)
    assert line(axes, "largest").get_xydata().tolist() == [[0, 0.25]]
    assert "largest at z = 0, where it is 0.25" in made.caption


def test_the_factors_of_the_chains_are_split_at_a_quarter_and_at_one(book):
    made = drawn(book, "book_chain_factor")
    rows = pd.read_parquet(book / "chain.parquet")
    normal = rows[rows["kind"] == "normal"]
    factor = normal.loc[normal["layer"] > 1, "factor"].abs()
    gradient = normal.set_index(["chain", "layer"])["gradient"].abs()
    ratio = gradient.xs(1, level="layer") / gradient.xs(3, level="layer")
    for axes, values, mark in zip(axes_of(made), (factor, ratio), (1 / 4, 1 / 16), strict=True):
        parts = [patch for patch in axes.patches if isinstance(patch, StepPatch)]
        drawn_shares = [part.get_data().values.sum() for part in parts]
        below, smaller = (values < mark).mean(), (values < 1).mean()
        assert drawn_shares == pytest.approx([100 * below, 100 * (smaller - below), 100 * (1 - smaller)])
        assert [part.get_data().edges[0] for part in parts[1:]] == [mark, 1]
        assert axes.get_xscale() == "log"
        assert f"{100 * below:.1f} %" in made.caption
    assert f"median is 1/{1 / ratio.median():.0f}," in made.caption
    assert "every factor is 25 and the ratio 625" in made.caption
    assert "10,000 chains of 4 neurons" in made.shown


def test_draws_beyond_the_axis_are_counted_and_no_exploding_chain_is_not_mentioned(book, tmp_path):
    def extreme(rows):
        rows = rows[rows["kind"] == "normal"]
        return rows.assign(factor=rows["factor"].mask(rows["chain"] == 0, 1e3).mask(rows["chain"] == 1, 0.0))

    made = drawn(changed(book, tmp_path, "chain", extreme), "book_chain_factor")
    parts = [patch.get_data().values for patch in axes_of(made)[0].patches if isinstance(patch, StepPatch)]
    assert sum(part.sum() for part in parts) == pytest.approx(100)
    assert parts[-1][-1] > 0
    assert "of 30,000 draws" in made.caption
    assert "explodes" not in made.caption


def test_singular_values_are_medians_over_seeds_and_images(book):
    made = drawn(book, "book_matrix")
    rows = pd.read_parquet(book / "matrix.parquet", filters=[("depth", "==", 4), ("layer", "<=", 4)])
    for axes, (factor, name) in zip(panels(made.figure), matrix._FACTORS.items(), strict=True):
        assert axes.get_title() == name
        of_factor = rows[rows["factor"] == factor]
        top = of_factor[of_factor["rank"] == 1].groupby("layer")["singular_value"].median()
        np.testing.assert_allclose(line(axes, "largest").get_ydata(), top)
        middle = of_factor.groupby(["layer", "seed"])["singular_value"].median().groupby("layer").median()
        np.testing.assert_allclose(line(axes, "median").get_ydata(), middle)
        np.testing.assert_array_equal(line(axes, "median").get_xdata(), [1, 2, 3, 4])
    product = (
        rows[(rows["factor"] == "product") & (rows["rank"] == 1)].groupby("layer")["singular_value"].median()
    )
    whole = product[1] / product[4]
    assert f"{product[4]:.2g} at layer 4 and 1/{1 / whole:.0f} of that at layer 1" in made.caption
    assert f"{whole ** (1 / 3):.2f} times as much with every layer" in made.caption


def test_the_deepest_network_is_factored_without_its_output_layer(book, tmp_path):
    def with_more(rows):
        rows = rows[(rows["depth"] == 4) & (rows["layer"] <= 4)]
        output = rows[(rows["factor"] == "slopes") & (rows["layer"] == 4)].assign(layer=5, singular_value=0.9)
        shallow = rows[rows["layer"] <= 2].assign(depth=2, singular_value=7.0)
        return pd.concat([rows, output, shallow])

    made = drawn(changed(book, tmp_path, "matrix", with_more), "book_matrix")
    slopes = panels(made.figure)[0]
    np.testing.assert_array_equal(line(slopes, "largest").get_xdata(), [1, 2, 3, 4])
    assert "depth 4 (not shown: 2)" in made.shown
    assert made.caption == drawn(book, "book_matrix").caption


def test_the_widest_set_is_marked_and_compared_with_the_book(book):
    made = drawn(book, "book_width_of_set")
    (axes,) = axes_of(made)
    width, widest = line(axes, "width"), line(axes, "widest")
    np.testing.assert_allclose(width.get_ydata(), problems.width_of_set(width.get_xdata()))
    weight, most = problems.widest()
    assert widest.get_xdata()[0] == pytest.approx(weight, abs=0.05)
    assert widest.get_ydata()[0] == pytest.approx(most, abs=1e-4)
    assert axes.get_xlim()[0] < 4
    assert "empty below |w| = 4 and widest, 0.448" in made.caption
    book_says = [references()[f"identity-widest-{what}"].numbers[0] for what in ("set", "weight")]
    assert f"(the book: {book_says[0]:g} at {book_says[1]:g})" in made.caption


def test_the_identity_neurons_errors_are_drawn_with_their_order(book):
    made = drawn(book, "book_identity_neuron")
    errors, output = axes_of(made)
    w1 = np.array([0.01, 0.1])
    constant = line(errors, "with a constant, best w₂")
    at = np.interp(np.log(w1), np.log(constant.get_xdata()), np.log(constant.get_ydata()))
    np.testing.assert_allclose(np.exp(at), w1**2 / 384, rtol=1e-3)
    literal = line(errors, "w₂ σ(w₁x + b), best w₂ and b")
    assert literal.get_ydata().min() == pytest.approx(neuron.best_literal().error, rel=0.02)
    assert (errors.get_xscale(), errors.get_yscale()) == ("log", "log")
    assert "to the power 2.00" in made.caption
    assert f"stays at {literal.get_ydata().min():.2g} or more" in made.caption
    x, y = line(output, "w₂ σ(w₁x + b)").get_data()
    np.testing.assert_allclose(y, neuron.best_literal()(x))


def test_the_order_is_measured_where_the_weight_is_small():
    x = np.geomspace(0.01, 100, 41)
    assert order(pd.DataFrame({"x": x, "y": 3 * x**1.5 / (1 + x / 10) ** 5})) == pytest.approx(1.5, abs=0.02)


def test_a_line_for_every_steepness_with_the_gap_in_the_caption(book):
    made = drawn(book, "book_steepness")
    (axes,) = axes_of(made)
    rows = pd.read_parquet(book / "steepness.parquet")
    for level in (1, 2, 4, 8):
        of_level = rows[rows["steepness"] == level].groupby("layer")["bias_gradient_norm"]
        plotted = line(axes, f"steepness {level}, slope at most {level / 4:g}")
        np.testing.assert_allclose(plotted.get_ydata(), of_level.median(), rtol=1e-6)
        np.testing.assert_array_equal(plotted.get_xdata(), range(1, 10))
    assert len({plotted.get_color() for plotted in axes.lines}) == 4
    median = rows[rows["steepness"] == 8].groupby("layer")["bias_gradient_norm"].median()
    ratio = median[8] / median[1]
    assert f"and {float(f'{ratio:.2g}'):,.0f} times at 8. " in made.caption
    assert axes.get_yscale() == "log"


def test_where_the_first_layer_learns_faster_the_caption_says_so(book, tmp_path):
    def turned(rows):
        back = 9 - rows["layer"]
        layer = rows["layer"].where((rows["steepness"] < 4) | (rows["layer"] == 9), back)
        return rows.assign(layer=layer)

    straight = drawn(book, "book_steepness").caption.split(", by steepness: ")[1]
    folder = changed(book, tmp_path, "steepness", turned)
    _, last, first = drawn(folder, "book_steepness").caption.split(", by steepness: ")
    assert last.endswith(". The first hidden layer learns faster than the last")
    assert straight.startswith(last.split(". ")[0].replace(" and", ","))
    assert first.split(". ")[0] in straight


def test_gradients_of_zero_are_drawn_on_the_edge_and_nothing_else_is_not_drawn(book, tmp_path):
    def some(rows):
        return rows.assign(bias_gradient_norm=rows["bias_gradient_norm"].mask(rows["steepness"] == 8, 0.0))

    axes = axes_of(drawn(changed(book, tmp_path / "some", "steepness", some), "book_steepness"))[0]
    zeros = line(axes, "steepness 8, slope at most 2").get_ydata()
    assert set(zeros) == {axes.get_ylim()[0]}
    nothing = changed(book, tmp_path / "all", "steepness", lambda rows: rows.assign(bias_gradient_norm=0.0))
    made = drawn(nothing, "book_steepness")
    assert any("nothing to draw" in text.get_text().replace("\n", " ") for text in made.figure.findobj(Text))
