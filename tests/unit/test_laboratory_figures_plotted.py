"""What the figures of the laboratory plot, and what their captions say."""

import numpy as np
import pandas as pd
import pytest
import synthetic_laboratory
from drawings import axes_of, drawn, line, panels
from matplotlib.text import Text


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    """The folder of the default settings."""
    return synthetic_laboratory.write(tmp_path_factory.mktemp("laboratory"))


def changed(folder, to, table, change):
    """A copy of one table, changed."""
    return synthetic_laboratory.write(to, {table: change(pd.read_parquet(folder / f"{table}.parquet"))})


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_linear_networks_are_powers_in_both_directions(laboratory):
    made = drawn(laboratory, "laboratory_linear")
    forward, _, backward, gaussian = axes_of(made)
    layers = np.arange(1, 101)
    np.testing.assert_allclose(line(forward, "1.5").get_ydata(), 1.5**layers)
    np.testing.assert_allclose(line(backward, "0.5").get_ydata(), 0.5 ** (100 - layers))
    dots = line(forward, "power 0.9")
    np.testing.assert_allclose(dots.get_ydata(), 0.9 ** dots.get_xdata())
    rows = pd.read_parquet(laboratory / "linear.parquet")
    at = rows[(rows["kind"] == "gaussian") & (rows["precision"] == "float64") & (rows["scale"] == 1.1)]
    medians = at.groupby("layer")["gradient_std"].median()
    np.testing.assert_allclose(line(gaussian, "1.1").get_ydata(), medians)
    single = rows[(rows["precision"] == "float32") & (rows["scale"] == 0.5)]["in_range_until"].iloc[0]
    assert f"0.5ˡ until layer {single:.0f}," in made.caption
    assert forward.get_yscale() == "log"


@pytest.mark.parametrize(
    ("name", "measure", "layer"),
    [("laboratory_activations", "activation_std", 100), ("laboratory_gradients", "gradient_std", 1)],
)
def test_lines_by_layer_are_medians_of_the_widest_networks(name, measure, layer, laboratory):
    made = drawn(laboratory, name)
    rows = pd.read_parquet(laboratory / "propagation.parquet").query("width == 400")
    assert "width 400" in made.shown
    (axes,) = panels(made.figure, "tanh")
    assert len(panels(made.figure)) == 12
    medians = rows[(rows["activation"] == "tanh") & (rows["initializer"] == "lecun_normal")]
    medians = medians.groupby("layer")[measure].median()
    np.testing.assert_allclose(line(axes, "lecun_normal").get_ydata(), medians, rtol=1e-6)
    low, high = axes.get_ylim()
    assert (low, high) == pytest.approx((1e-6, 1e6))
    lost = line(axes, "sparse").get_ydata()
    assert np.nanmin(lost) == pytest.approx(low)
    pairs = rows[rows["layer"] == layer].groupby(["activation", "initializer"], observed=True)
    gone = rows.groupby(["activation", "initializer"], observed=True)["nonfinite"].any()
    ends = pairs[measure].median()[~gone]
    assert f"for {((ends >= 0.1) & (ends <= 10)).sum()} of 168 pairs" in made.caption
    assert f"for {(ends < 1e-6).sum()} it is below" in made.caption
    assert f"in {gone.sum()} activations overflow" in made.caption


def test_a_line_ends_where_activations_overflow(laboratory):
    (axes,) = panels(drawn(laboratory, "laboratory_activations").figure, "relu")
    rows = pd.read_parquet(laboratory / "overflow.parquet").query("width == 400")
    first = rows[(rows["activation"] == "relu") & (rows["initializer"] == "normal")][
        "first_nonfinite_layer"
    ].iloc[0]
    drawn_until = np.flatnonzero(np.isfinite(line(axes, "normal").get_ydata())).max() + 1
    assert drawn_until == first - 1


def test_the_layer_of_overflow_is_the_median_and_some_seeds_are_marked(laboratory, tmp_path):
    def half_gone(rows):
        pair = (rows["activation"] == "relu") & (rows["initializer"] == "normal")
        some = pair & (rows["seed"] >= 7)
        layer = rows["first_nonfinite_layer"].mask(some)
        few = (rows["activation"] == "tanh") & (rows["initializer"] == "normal") & (rows["seed"] < 2)
        return rows.assign(first_nonfinite_layer=layer.mask(few, 77))

    made = drawn(changed(laboratory, tmp_path, "overflow", half_gone), "laboratory_overflow")
    (axes,) = panels(made.figure, "activations")
    rows = pd.read_parquet(laboratory / "overflow.parquet").query("width == 400")
    layers = rows[rows["initializer"] == "normal"].groupby("activation", observed=True)[
        "first_nonfinite_layer"
    ]
    assert f"{layers.median()['relu']:.0f}" in texts(axes)
    assert "77" not in texts(axes)
    assert len([patch for patch in axes.patches if len(patch.get_xy()) == 4]) == 2
    assert f"in layer {layers.median().min():.0f}, those of identity with normal" in made.caption


def test_without_overflow_the_figure_says_so(laboratory, tmp_path):
    columns = [f"first_nonfinite_{name}layer" for name in ("", "std_", "variance_")]
    folder = changed(
        laboratory, tmp_path, "overflow", lambda rows: rows.assign(**dict.fromkeys(columns, np.nan))
    )
    made = drawn(folder, "laboratory_overflow")
    assert made.caption == "No network of width 400 overflows in any layer."


def test_shares_of_the_last_layer_are_means_over_seeds(laboratory):
    made = drawn(laboratory, "laboratory_saturation")
    rows = pd.read_parquet(laboratory / "propagation.parquet").query("width == 400 and layer == 100")
    means = rows.groupby(["initializer", "activation"], observed=True)["saturated_fraction"].mean()
    (axes,) = panels(made.figure, "saturated")
    values = axes.collections[0].get_array().reshape(14, 12)
    names = (
        [text.get_text() for text in axes.get_yticklabels()],
        [text.get_text() for text in axes.get_xticklabels()],
    )
    for initializer, activation in (("normal", "tanh"), ("xavier_normal", "relu")):
        place = names[0].index(initializer), names[1].index(activation)
        assert values[place] == pytest.approx(means[initializer, activation])
    assert f"there are {(means >= 0.5).sum()} with half or more of the layer saturated" in made.caption


def test_four_gains_of_every_activation(laboratory):
    made = drawn(laboratory, "laboratory_gains")
    (axes,) = axes_of(made)
    gains = pd.read_parquet(laboratory / "gains.parquet").set_index("activation")
    names = [text.get_text() for text in axes.get_yticklabels()]
    for label, column in (("keeps the size forward: 1/√E[f(x)²]", "second_moment_gain"),
                          ("PyTorch's calculate_gain", "torch_gain")):  # fmt: skip
        np.testing.assert_allclose(line(axes, label).get_xdata(), gains.loc[names, column])
    assert "to 1 %) only for identity, relu and leaky_relu" in made.caption
    assert "for 6 of 12; it is farthest" in made.caption


def test_theory_stands_beside_measurement_for_both_kinds_of_networks(laboratory):
    made = drawn(laboratory, "laboratory_theory")
    wide, narrow = panels(made.figure)
    assert (wide.get_title(), narrow.get_title()) == (
        "width 400, standard-normal inputs",
        "width 30, MNIST, as in the grid",
    )
    rows = (
        pd.read_parquet(laboratory / "theory.parquet").query("width == 400").dropna(subset="factor_predicted")
    )
    tanh = rows[rows["activation"] == "tanh"]
    np.testing.assert_allclose(line(wide, "tanh").get_data(), tanh[["factor_predicted", "factor_measured"]].T)
    off = (rows["factor_measured"] / rows["factor_predicted"] - 1).abs()
    most = off[rows["sigma_w2"] <= 10].idxmax()
    assert f"differ by {100 * off.median():.1f} % (median)" in made.caption
    worst = (
        f"by at most {100 * off[most]:.1f} % ({rows['activation'][most]} with {rows['initializer'][most]})"
    )
    assert worst in made.caption
    np.testing.assert_array_equal(*line(wide, "diagonal").get_data())


def test_the_phases_lie_on_their_sides_of_the_critical_line(laboratory):
    made = drawn(laboratory, "laboratory_phase")
    axes, bar = axes_of(made)
    critical = line(axes, "critical line")
    points = pd.read_parquet(laboratory / "phase.parquet")
    expected = points.groupby("sigma_b2")["critical_sigma_w2"].first()
    np.testing.assert_allclose(critical.get_xdata(), expected)
    np.testing.assert_allclose(critical.get_ydata(), expected.index)
    places = {text.get_text(): text.get_position() for text in axes.texts}
    for name, side in (("ordered", -1), ("chaotic", 1)):
        x, y = places[name]
        assert np.sign(x - np.interp(y, expected.index, expected)) == side
    mesh = axes.collections[0]
    assert mesh.norm(0) == pytest.approx(0.5)
    assert [text.get_text() for text in bar.get_yticklabels()] == ["0.5", "0.7", "1", "1.4", "2"]
    assert f"at σ_b² = {expected.index[-1]:g}, gradients keep their size" in made.caption


def test_trainability_is_a_mean_over_seeds_with_the_reach_of_theory(laboratory, tmp_path):
    rows = pd.read_parquet(laboratory / "trainability.parquet")
    means = rows.groupby(["depth", "sigma_w2"])["accuracy"].mean().unstack()
    rows.assign(xi_c=np.where(rows["sigma_w2"] == 1, 20 / 6, 1000.0)).to_parquet(
        tmp_path / "trainability.parquet"
    )
    made = drawn(tmp_path, "laboratory_trainability")
    np.testing.assert_allclose(panels(made.figure)[0].images[0].get_array(), means, rtol=1e-6)
    assert f"{100 * means.loc[100].max():.1f} % with σ_w² = {means.loc[100].idxmax():g}" in made.caption
    heights = [segment[0][1] for segment in panels(made.figure)[0].collections[0].get_segments()]
    assert heights == pytest.approx(
        [5.5, 2, 5.5, 5.5, 5.5, 5.5, 5.5]
    )  # depth 20 is the third; the rest reach beyond
    assert "6 ξ_c" in made.caption


def test_gradients_through_time_go_back_from_the_last_step(laboratory):
    made = drawn(laboratory, "laboratory_recurrent")
    rows = pd.read_parquet(laboratory / "recurrent.parquet")
    for heading, sequence, steps in (
        ("rows: 28 time steps", "rows", 28),
        ("pixels: 196 time steps", "pixels", 196),
    ):
        (axes,) = panels(made.figure, heading)
        of_radius = rows[(rows["sequence"] == sequence) & (rows["spectral_radius"] == 2)]
        medians = of_radius.groupby("time")["gradient_norm"].median()
        plotted = line(axes, "2")
        np.testing.assert_allclose(plotted.get_ydata(), medians[::-1])
        np.testing.assert_array_equal(plotted.get_xdata(), np.arange(steps))
        assert axes.get_xlim()[0] > axes.get_xlim()[1]
        factor = (medians[1] / medians[steps]) ** (1 / (steps - 1))
        assert f"{factor:.2f} ({sequence}, radius 2)" in made.caption


def test_training_marks_the_runs_that_diverge_and_counts_them(laboratory):
    made = drawn(laboratory, "laboratory_recurrent_training")
    rows = pd.read_parquet(laboratory / "recurrent_training.parquet")
    (free,), (clipped,) = (panels(made.figure, f"rows, clipping {name}") for name in ("none", "norm=1"))
    of_panel = rows[
        (rows["sequence"] == "rows") & (rows["clipping"] == "none") & (rows["spectral_radius"] == 1.5)
    ]
    medians = of_panel.groupby("step")["accuracy"].median()
    np.testing.assert_allclose(line(free, "1.5").get_ydata(), 100 * medians)
    lost = of_panel[of_panel["status"] == "diverged"].groupby("seed")["step"].min()
    np.testing.assert_array_equal(line(free, "diverged 1.5").get_xdata(), lost)
    assert not [plotted for plotted in clipped.lines if plotted.get_label().startswith("diverged")]
    assert "rows, clipping none: 8 of 30 runs diverged" in made.caption
    assert "rows, clipping norm=1: 0 of 30 runs diverged" in made.caption
    assert not [text for text in made.figure.findobj(Text) if "not clipped" in text.get_text()]
