"""Remedies: what the two figures plot and say, and which rungs count as a help."""

import numpy as np
import pandas as pd
import pytest
import synthetic_laboratory
from drawings import axes_of, drawn, line, panels
from matplotlib.legend import Legend

from gradgrid.core.remedies import FIRST, HARMS, HELPS, NEITHER, effects, told


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    """The folder of the default settings."""
    return synthetic_laboratory.write(tmp_path_factory.mktemp("laboratory"))


@pytest.fixture(scope="module")
def rows(laboratory):
    return pd.read_parquet(laboratory / "remedies.parquet")


def ladder(*accuracies, name="activation", lost=()):
    """A ladder at depth 8 with the accuracies of each rung's seeds at its best rate, and worse ones at another rate."""
    at_best = [
        {
            "position": place,
            "rung": f"rung {place}",
            "seed": seed,
            "validation_accuracy": value,
            "learning_rate": 0.1,
        }
        for place, values in enumerate(accuracies, start=1)
        for seed, value in enumerate(values)
    ]
    frame = pd.DataFrame(at_best).assign(depth=8, ladder=name, case="tanh", gradient_slope=0.1, best=True)
    frame["status"] = np.where(frame["rung"].isin(lost), "diverged", "completed")
    worse = frame.assign(best=False, learning_rate=10.0, validation_accuracy=0.99)
    return pd.concat([worse, frame], ignore_index=True)


def test_a_rung_helps_or_harms_only_if_every_seed_is_clearly_off_the_first():
    found = effects(ladder((0.5, 0.6), (0.521, 0.621), (0.9, 0.61), (0.47, 0.57), (0.47, 0.6)))
    assert found["effect"].tolist() == [FIRST, HELPS, NEITHER, HARMS, NEITHER]
    assert found["accuracy"].tolist() == pytest.approx([0.55, 0.571, 0.755, 0.52, 0.535])
    assert (found["learning_rate"] == 0.1).all()
    assert told(found) == "rung 2 helps; rung 4 harms; rung 3 and rung 5 make no clear difference"


def test_in_the_combined_ladder_a_rung_is_compared_with_the_one_before():
    steps = (0.1, 0.2), (0.5, 0.6), (0.51, 0.9), (0.4, 0.5)
    assert effects(ladder(*steps, name="combined"))["effect"].tolist() == [FIRST, HELPS, NEITHER, HARMS]
    assert effects(ladder(*steps))["effect"].tolist() == [FIRST, HELPS, HELPS, HELPS]


def test_a_diverged_run_is_counted_and_never_averaged_in():
    frame = ladder((np.nan, np.nan), (0.9, 0.8), (0.11, 0.1), lost=("rung 1",))
    found = effects(frame)
    assert found["diverged"].tolist() == [2, 0, 0]
    assert np.isnan(found["accuracy"][0])
    assert found["effect"].tolist() == [FIRST, HELPS, NEITHER]
    assert told(found).endswith("rung 3 makes no clear difference; on rung “rung 1” 2 of 2 runs diverged")


def test_the_combined_ladder_shows_every_seed_and_the_mean_at_the_best_rate(laboratory, rows):
    made = drawn(laboratory, "laboratory_remedies")
    above, below = axes_of(made)
    best = rows[(rows["ladder"] == "combined") & rows["best"] & (rows["depth"] == 16)]
    by_rung = best.groupby("position")
    for axes, measure, factor in ((above, "validation_accuracy", 100), (below, "gradient_slope", 1)):
        np.testing.assert_allclose(
            line(axes, "mean 16").get_ydata(), factor * by_rung[measure].mean(), rtol=1e-6
        )
        dots = [plotted for plotted in axes.lines if plotted.get_label() == "16"]
        seeds = factor * best.pivot(index="seed", columns="position", values=measure)
        np.testing.assert_allclose([dot.get_ydata() for dot in dots], seeds, rtol=1e-6)
    labels = [text.get_text() for text in below.get_xticklabels()]
    assert labels == [
        "hard case:\nsigmoid, lecun_normal", "+ relu", "+ kaiming_normal", "+ adam", "+ batch normalization",
        "+ residual connections",
    ]  # fmt: skip
    means = by_rung["validation_accuracy"].mean()
    assert f"Depth 16: accuracy from {100 * means[1]:.1f} % to {100 * means[6]:.1f} %" in made.caption
    assert "at the learning rate (of 0.01, 0.03 and 0.1)" in made.caption
    assert above.get_ylabel() == "validation accuracy (%)"


def test_depths_stand_side_by_side_about_their_rung(laboratory):
    above, _ = axes_of(drawn(laboratory, "laboratory_remedies"))
    eight, sixteen = (line(above, f"mean {depth}").get_xdata() for depth in (8, 16))
    np.testing.assert_allclose((eight + sixteen) / 2, range(6), atol=1e-9)
    assert (eight < sixteen).all()


def test_each_ladder_has_a_panel_with_its_first_rung_on_top(laboratory, rows):
    made = drawn(laboratory, "laboratory_ladders")
    names = [axes.get_title(loc="left") for axes in axes_of(made) if axes.get_title(loc="left")]
    assert len(names) == 8
    assert names[:2] == ["Activation (with lecun_normal)", "Initial weights (with sigmoid)"]
    left, right = axes_of(made)[:2]
    labels = [text.get_text() for text in left.get_yticklabels()]
    assert labels == ["sigmoid", "tanh", "relu", "leaky_relu", "elu"]
    assert left.get_ylim()[0] > left.get_ylim()[1]
    best = rows[(rows["ladder"] == "activation") & rows["best"] & (rows["depth"] == 8)]
    slopes = best.groupby("position")["gradient_slope"].mean()
    np.testing.assert_allclose(line(right, "mean 8").get_xdata(), slopes, rtol=1e-6)
    assert not panels(made.figure, "One after another (with sigmoid, lecun_normal)")
    assert "Clipping is shown at one large learning rate, 0.3." in made.caption


def test_crosses_stand_where_runs_diverged_and_the_counts_are_those_of_the_table(laboratory, rows):
    made = drawn(laboratory, "laboratory_ladders")
    lost = rows[rows["best"] & (rows["status"] == "diverged") & (rows["ladder"] != "combined")]
    expected = lost.drop_duplicates(["ladder", "case", "rung", "depth"])
    crosses = [plotted for axes in axes_of(made) for plotted in axes.lines if plotted.get_marker() == "x"]
    assert sum(len(cross.get_xdata()) for cross in crosses) == len(expected) > 0
    for depth, found in effects(rows[rows["ladder"] != "combined"]).groupby("depth"):
        helping, harming = ((found["effect"] == effect).sum() for effect in (HELPS, HARMS))
        assert f"Depth {depth}: of 27 remedies {helping} help and {harming} harm." in made.caption


def test_without_divergence_the_legend_has_no_cross(rows, tmp_path):
    accuracy = rows["validation_accuracy"].fillna(0.1)
    synthetic_laboratory.write(
        tmp_path, {"remedies": rows.assign(status="completed", validation_accuracy=accuracy)}
    )
    for name in ("laboratory_remedies", "laboratory_ladders"):
        (legend,) = drawn(tmp_path, name).figure.findobj(Legend)
        assert [text.get_text() for text in legend.texts] == ["depth 8", "depth 16"]
