"""The findings say what the tables hold, and are left out where the grid does not allow them."""

import re
from dataclasses import replace

import numpy as np
import pytest
import synthetic
from report_folder import SMALL_GRID
from scipy import stats

from gradgrid.analysis.statistics import statistics
from gradgrid.core.numbers import listed
from gradgrid.core.statistics_tables import STATISTICS_TABLES
from gradgrid.report import findings as f
from gradgrid.report.cells import cell_name
from gradgrid.report.findings import Grid
from gradgrid.report.numbers import Estimate, duration, percent, points, times
from gradgrid.report.pictures import anchor


def grid(**levels) -> Grid:
    tables = synthetic.tables(**{**SMALL_GRID, **levels})
    for name, frame in tables.items():
        tables[name] = frame.astype(dict.fromkeys(frame.select_dtypes("category"), object))
    return Grid(
        tables["runs"],
        tables["cells"],
        tables["accuracy"],
        {name: tables[name] for name in STATISTICS_TABLES},
    )


def replaced(of: Grid, **columns) -> Grid:
    runs = of.runs.assign(**columns)
    return replace(of, runs=runs, statistics=statistics(runs))


def test_the_whole_grid_gives_the_first_five_findings_in_order():
    of = grid()
    made = f.findings(of)
    assert made == [finding(of) for finding in f.FINDINGS[:5]]
    assert f.HEAD == 5
    assert all(finding.value.removeprefix("× ") in finding.sentence for finding in made)
    assert all("interval" in finding.sentence for finding in made)


def test_the_sigmoid_finding_is_the_slope_of_the_deepest_cell():
    cells = grid().cells
    wanted = cells.query("depth == 4 and activation == 'sigmoid' and initializer == 'lecun_normal'")
    cell = wanted[wanted["clipping"] == "none"].iloc[0]
    finding = f.sigmoid_gradient(grid())
    factor, low, high = (10 ** cell[f"gradient_slope_{part}"] for part in ("mean", "low", "high"))
    assert finding.value == f"× {factor:.1f}"
    assert f"learns {factor:.1f} times more slowly" in finding.sentence
    assert f"(95 % interval {low:.1f} to {high:.1f})" in finding.sentence


def test_a_sigmoid_that_explodes_is_said_to():
    made = grid()
    signs = {f"gradient_slope_{end}": -made.cells[f"gradient_slope_{other}"]
             for end, other in (("mean", "mean"), ("low", "high"), ("high", "low"))}  # fmt: skip
    faster = f.sigmoid_gradient(replace(made, cells=made.cells.assign(**signs))).sentence
    slower = f.sigmoid_gradient(made).sentence
    assert faster == slower.replace("more slowly", "faster")


@pytest.mark.parametrize(
    ("finding", "levels"),
    [
        (f.sigmoid_gradient, {"activations": ("relu",)}),
        (f.sigmoid_gradient, {"depths": (1,)}),
        (f.initializer_ranks, {"initializers": ("normal",)}),
        (
            f.largest_effect,
            {"depths": (2,), "activations": ("relu",), "initializers": ("normal",), "clippings": ("none",)},
        ),
        (f.largest_effect, {"all_diverge": True}),
        (f.clipping_effect, {"clippings": ("none",)}),
        (f.clipping_effect, {"clippings": ("norm=1", "value=0.1")}),
        (f.book_start, {"activations": ("relu",)}),
        (f.book_start, {"widths": (100,)}),
        (f.book_start, {"depths": (2,)}),
        (f.best_cell, {"all_diverge": True}),
    ],
)
def test_what_the_grid_lacks_is_left_out(finding, levels):
    assert finding(grid(**levels)) is None
    assert f.findings(grid(**levels))


def test_the_book_finding_needs_a_measurement_after_the_first_epoch():
    made = grid()
    later = made.accuracy[made.accuracy["epoch"] != 1]
    assert f.book_start(replace(made, accuracy=later)) is None


def test_the_book_finding_is_its_cells_mean_after_one_epoch_and_at_the_end():
    made = grid(learning_rates=(0.5, 0.1), normalizations=("batch", "none"), residuals=("yes", "no"))
    cell = f.book_cell(made.cells)
    assert (cell["depth"], cell["learning_rate"]) == (1, 0.1)
    assert (cell["normalization"], cell["residual"]) == ("none", "no")
    assert f._deepest_sigmoid(made.cells)[["normalization", "residual"]].tolist() == ["none", "no"]
    rows = made.accuracy[made.accuracy["cell_id"] == cell["cell_id"]].query("split == 'validation'")
    first, last = (100 * rows[rows["epoch"] == epoch]["accuracy"].mean() for epoch in (1, 5))
    sentence = f.book_start(made).sentence
    assert f"reaches {first:.1f} % validation accuracy on MNIST after its first epoch" in sentence
    assert f"and {last:.1f} % after 5" in sentence


def test_the_best_cell_is_named_by_its_normalization_and_residual_connections():
    made = grid(normalizations=("none", "batch"), residuals=("no", "yes"))
    cell = made.cells.query("normalization == 'batch' and residual == 'no'").iloc[0]
    assert cell_name(cell, made.cells).endswith("batch normalization, no residual connections")
    cell = made.cells.query("normalization == 'none' and residual == 'yes'").iloc[0]
    assert cell_name(cell, made.cells).endswith("no normalization, residual connections")


def test_one_seed_gives_findings_without_intervals():
    for finding in f.findings(grid(seeds=1)):
        assert "one seed, no interval" in finding.sentence
        assert "nan" not in finding.sentence


def test_the_best_cell_is_not_one_of_which_runs_diverged():
    made = grid()
    best = made.cells["validation_accuracy_mean"].idxmax()
    diverged = made.cells.assign(runs_diverged=(made.cells.index == best).astype(int))
    name = f.best_cell(replace(made, cells=diverged)).sentence
    assert name != f.best_cell(made).sentence


def test_a_grid_that_lacks_levels_has_other_findings_instead():
    made = grid(activations=("relu",), clippings=("none",))
    words = [finding.source for finding in f.findings(made)]
    assert words == ["runs", "effects", "ranks", "cells", "runs"]


def test_the_largest_effect_is_that_of_the_table_of_effects():
    made = grid()
    effects = made.statistics["effects"]
    first, pair = effects.iloc[0], effects[effects["kind"] == "interaction"].iloc[0]
    finding = f.largest_effect(made)
    assert finding.value == percent(first["share"])
    assert (
        f"the {first['effect']} by itself explains {percent(first['share'])} (95 % interval"
        in finding.sentence
    )
    assert f"{percent(first['low'])} to {percent(first['high'])})" in finding.sentence
    assert f"the largest interaction, {pair['effect']}, has {percent(pair['share'])}" in finding.sentence


def test_an_initializer_that_leads_everywhere_is_ahead_if_there_are_enough_conditions():
    made = grid()
    score = made.runs["initializer"].map({"lecun_normal": 0.9, "kaiming_normal": 0.8, "uniform": 0.7})
    finding = f.initializer_ranks(replaced(made, test_accuracy=score, status="completed"))
    assert finding.value == "lecun_normal"
    assert (
        "mean rank 1.0 over 12 conditions, ahead of kaiming_normal (2.0; critical difference 1.0)"
        in finding.sentence
    )
    assert "in accuracy they are +10.0 points (95 % interval +10.0 to +10.0) apart" in finding.sentence
    assert finding.sentence.endswith("; uniform comes last (3.0).")


def test_initializers_that_change_places_are_not_told_apart_and_inside_the_noise():
    made = grid(initializers=("lecun_normal", "kaiming_normal"))
    first = made.runs["initializer"].eq("lecun_normal") ^ made.runs["seed"].eq(1)
    sentence = f.initializer_ranks(
        replaced(made, test_accuracy=first.astype(float), status="completed")
    ).sentence
    assert "not told apart from" in sentence
    assert re.search(r"95 % interval −[\d.]+ to \+[\d.]+, inside the noise\)", sentence)


def test_where_the_interval_alone_would_tell_another_story_the_p_value_is_named():
    made = grid(seeds=5)
    by_seed = made.runs["seed"].map(dict(enumerate((0.001, 0.02, 0.001, 0.03, 0.01))))
    better = made.runs["clipping"].eq("norm=1") * by_seed
    runs = replaced(made, test_accuracy=0.5 + better, status="completed")
    row = f.compared(runs, "clipping", "norm=1", "none")
    assert row["low"] > 0
    assert row["noise"] == "inside"
    said = f"to +{100 * row['high']:.1f}, yet with p = {row['p_holm']:.2g} over all pairs, inside the noise)"
    assert said in f.clipping_effect(runs).sentence


def test_the_clipping_finding_is_the_paired_difference():
    made = grid()
    score = 0.5 + made.runs["clipping"].eq("norm=1") * (0.01 + 0.001 * made.runs["seed"])
    finding = f.clipping_effect(replaced(made, test_accuracy=score, status="completed"))
    assert finding.value == "+1.1 points"
    assert "by +1.1 points (95 % interval +0.9 to +1.3) with norm=1" in finding.sentence
    status = np.where(made.runs["clipping"].eq("none") & made.runs["depth"].eq(4), "diverged", "completed")
    finding = f.clipping_effect(replaced(made, test_accuracy=score, status=status))
    assert finding.value == "+14.4 points"  # a third of the runs without clipping counts as guessing
    assert "18 runs diverged without clipping, 0 with norm=1." in finding.sentence


def test_divergence_is_counted_and_located():
    made = grid()
    status = np.where(
        made.runs["initializer"].eq("uniform") & made.runs["depth"].eq(4), "diverged", "completed"
    )
    finding = f.divergence(replaced(made, status=status))
    assert (finding.value, finding.label) == ("12", "of 108 runs diverged")
    assert "11.1 % (95 % interval 11.1 % to 11.1 %), most often with uniform (12)." in finding.sentence


def test_lost_runs_are_those_that_diverged_or_never_learned():
    made = grid()
    words = np.select(
        [made.runs["depth"] == 4, made.runs["seed"] == 0], ["never learned", "diverged"], "healthy"
    )
    sentence = f.depth_and_learning(replaced(made, verdict=words)).sentence
    assert sentence.startswith("At depth 4, 100.0 % of the runs diverged or never learned")
    assert "against 33.3 % at depth 1; at all depths" in sentence
    assert sentence.endswith(f"{(made.runs['status'] == 'diverged').sum()} of 108 runs diverged.")


def test_an_estimate_is_scipys_t_interval():
    values = [0.91, 0.93, 0.92, 0.95]
    estimate = Estimate.of([*values, np.nan])
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert (estimate.mean, estimate.low, estimate.high) == pytest.approx((np.mean(values), low, high))
    assert (estimate.seeds, estimate.sign) == (4, 1)
    assert Estimate.of([-1.0, 1.0]).sign == 0
    assert np.isnan(Estimate.of([]).mean)


def test_numbers_as_words():
    assert [times(x) for x in (1.04, 4.76, 12.3, 123.4, 55_123.0, 5.2e7, np.inf)] == [
        "1.0", "4.8", "12", "120", "55,000", "5.2 × 10⁷", "∞",
    ]  # fmt: skip
    assert [percent(x) for x in (0.9312, -0.01, 1.2)] == ["93.1 %", "0.0 %", "100.0 %"]
    assert [points(x) for x in (0.0044, -0.016, -0.0001)] == ["+0.4", "−1.6", "0.0"]
    assert [duration(x) for x in (34.2, 725, 12_000)] == ["34 s", "12 min 5 s", "3 h 20 min"]
    assert [listed(x) for x in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def test_anchors_are_plain():
    assert anchor("Speed of learning: over training") == "speed-of-learning-over-training"
    assert anchor("<&>") == "chapter"
