"""The statistics against published examples, closed forms, brute force, and scipy's own tests."""

import itertools
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import synthetic
from scipy import stats

from gradgrid.analysis.effects import effects, shares
from gradgrid.analysis.pairs import comparisons
from gradgrid.analysis.ranks import block_ranks, critical_difference, friedman, ranks
from gradgrid.analysis.resampling import effect_size, expanded_level, holm, interval, jackknife, paired_p
from gradgrid.analysis.scores import GUESSING, at_best_rate, scored
from gradgrid.analysis.statistics import statistics
from gradgrid.core.parquet import to_arrow
from gradgrid.core.statistics_tables import STATISTICS_TABLES
from gradgrid.core.tables import FACTOR_NAMES

METHODS = Path(__file__).parents[2] / "docs" / "methods.md"
GRID = {
    "depths": (1, 4),
    "activations": ("tanh", "relu"),
    "initializers": ("lecun_normal", "kaiming_normal", "orthogonal"),
    "clippings": ("none", "norm=1"),
    "seeds": 5,
}

# Demšar (2006), table 6: the area under the curve of four variants of C4.5 on 14 data sets. Of the last but one the
# paper ranks the third variant before the fourth, which its three digits do not show: hence the fifth digit.
AUC = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.97501, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def runs(score=None, **levels):
    """Runs of a small grid as ``scored`` gives them, with other scores if given: a function of the runs' frame."""
    frame = synthetic.tables(**{**GRID, **levels})["runs"]
    frame = frame.astype(dict.fromkeys(frame.select_dtypes("category"), object))
    if score is not None:
        frame = frame.assign(test_accuracy=score(frame), status="completed")
    return scored(frame)


def one(frame, **wanted):
    """The one row with these values."""
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def of_paper():
    """The paper's table as runs: its data sets as depths, its methods as initializers."""
    rows = [(depth, str(method), 0, auc) for (depth, method), auc in np.ndenumerate(AUC)]
    frame = pd.DataFrame(rows, columns=["depth", "initializer", "seed", "score"])
    rest = {name: "x" for name in FACTOR_NAMES if name not in frame}
    return frame.assign(**rest, dataset="mnist", diverged=False)


def test_ranks_and_critical_difference_are_those_of_demsars_example():
    found = ranks(of_paper()).set_index("initializer")
    assert found["mean_rank"][["0", "1", "2", "3"]].tolist() == pytest.approx(
        [3.143, 2.000, 2.893, 1.964], abs=5e-4
    )
    assert found["critical_difference"].unique() == pytest.approx(1.25, abs=5e-3)
    assert found["conditions"].unique() == 14
    # The paper's χ² of 9.28 is not corrected for ties: with the correction it is larger.
    blocks = block_ranks(of_paper(), [name for name in FACTOR_NAMES if name != "initializer"]).to_numpy()
    uncorrected = 12 * 14 / (4 * 5) * ((blocks.mean(axis=0) ** 2).sum() - 4 * 25 / 4)
    assert uncorrected == pytest.approx(9.28, abs=5e-3)
    ties = sum((count**3 - count) for row in blocks for count in np.unique(row, return_counts=True)[1])
    assert found["friedman_statistic"].iloc[0] == pytest.approx(uncorrected / (1 - ties / (14 * (4**3 - 4))))
    assert found["friedman_p"].iloc[0] == pytest.approx(stats.chi2.sf(found["friedman_statistic"].iloc[0], 3))


@pytest.mark.parametrize(
    ("levels", "quantile"),
    [
        (2, 1.960),
        (3, 2.343),
        (4, 2.569),
        (5, 2.728),
        (6, 2.850),
        (7, 2.949),
        (8, 3.031),
        (9, 3.102),
        (10, 3.164),
    ],
)
def test_critical_values_are_those_of_demsars_table_5(levels, quantile):
    scale = np.sqrt(levels * (levels + 1) / (6 * 72))
    assert critical_difference(levels, 72) / scale == pytest.approx(quantile, abs=1e-3)


def test_friedman_needs_three_levels_that_are_not_all_tied():
    assert np.isnan(friedman(np.array([[1.0, 2.0], [2.0, 1.0]]))).all()
    assert np.isnan(friedman(np.full((4, 3), 2.0))).all()


def test_diverged_runs_share_the_last_places_and_are_counted():
    frame = runs(
        lambda f: f["initializer"].map({"lecun_normal": 0.5, "kaiming_normal": 0.05, "orthogonal": 0.4})
    )
    lost = frame["initializer"].eq("lecun_normal") | frame["initializer"].eq("orthogonal") & frame[
        "depth"
    ].eq(4)
    frame = frame.assign(diverged=lost)
    found = ranks(frame).set_index("initializer")
    # At depth 1: orthogonal 1, kaiming 2, lecun 3; at depth 4: kaiming 1, the two others 2.5.
    assert found["mean_rank"].to_dict() == {"kaiming_normal": 1.5, "orthogonal": 1.75, "lecun_normal": 2.75}
    assert found["runs_diverged"].to_dict() == {"kaiming_normal": 0, "orthogonal": 20, "lecun_normal": 40}
    assert found["runs"].unique() == 40


def test_the_difference_is_the_mean_over_seeds_of_seeds_means_and_its_test_is_scipys():
    frame = runs()
    found = one(comparisons(frame), factor="initializer", level="orthogonal", reference="lecun_normal")
    per_seed = []
    for seed in range(5):
        of_seed = frame[frame["seed"] == seed]
        cells = [
            {level: one(of_seed, initializer=level, **dict(zip(names, condition, strict=True)))["score"]
             for level in ("orthogonal", "lecun_normal")}
            for names in [("depth", "activation", "clipping")]
            for condition in itertools.product((1, 4), ("tanh", "relu"), ("none", "norm=1"))
        ]  # fmt: skip
        per_seed.append(np.mean([cell["orthogonal"] - cell["lecun_normal"] for cell in cells]))
    assert (found["seeds"], found["conditions"]) == (5, 8)
    assert found["difference"] == pytest.approx(np.mean(per_seed))
    assert found["p_value"] == pytest.approx(stats.ttest_1samp(per_seed, 0).pvalue)
    low, high, _ = interval(np.array([per_seed]))
    assert (found["low"], found["high"]) == pytest.approx((low[0], high[0]))


def test_more_conditions_do_not_make_the_sample_larger():
    """Cells that repeat another's runs bit for bit must not make a difference surer."""
    few = runs(clippings=("none",))
    twice = pd.concat([few, few.assign(clipping="norm=1")])
    of = {"factor": "initializer", "level": "orthogonal", "reference": "lecun_normal"}
    one_way, repeated = (one(comparisons(frame), **of) for frame in (few, twice))
    names = ["difference", "low", "high", "p_value", "effect_size"]
    assert repeated[names].tolist() == pytest.approx(one_way[names].tolist())


def test_comparisons_are_the_same_both_ways_round():
    found = comparisons(runs())
    turned = found.rename(columns={"level": "reference", "reference": "level"})
    both = found.merge(turned, on=["factor", "level", "reference"], suffixes=("", "_turned"))
    assert len(both) == len(found) == 2 + 2 + 6 + 2
    for name in ("difference", "effect_size", "dominance", "difference_completed"):
        np.testing.assert_allclose(both[name], -both[f"{name}_turned"])
    np.testing.assert_allclose(both["low"], -both["high_turned"])
    np.testing.assert_allclose(both["accuracy"], both["reference_accuracy_turned"])
    np.testing.assert_array_equal(both["p_holm"], both["p_holm_turned"])
    assert (found["low"] <= found["difference"]).all()
    assert (found["difference"] <= found["high"]).all()


def test_a_diverged_run_counts_as_guessing_and_ranks_below_every_score():
    frame = runs(lambda f: np.where(f["initializer"] == "orthogonal", 0.05, 0.6))
    lost = frame["initializer"].eq("lecun_normal") & frame["depth"].eq(4)
    frame = frame.assign(diverged=lost, score=frame["score"].mask(lost, GUESSING))
    found = one(comparisons(frame), factor="initializer", level="lecun_normal", reference="orthogonal")
    assert found["difference"] == pytest.approx((0.55 + (GUESSING - 0.05)) / 2)
    assert found["difference_completed"] == pytest.approx(0.55)
    assert found["dominance"] == pytest.approx(0.0)
    assert (found["runs_diverged"], found["reference_runs_diverged"]) == (20, 0)


def test_levels_that_do_the_same_are_inside_the_noise():
    found = comparisons(runs(lambda f: 0.5 + 0.01 * f["seed"]))
    assert (found["p_value"] == 1).all()
    assert (found["noise"] == "inside").all()
    assert found["effect_size"].isna().all()


def test_holms_correction_is_the_published_procedure():
    # Smallest p times 4, next times 3, …; a corrected value is never below the one before.
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.5, 0.9])) == pytest.approx([1.0, 1.0])
    assert np.isnan(holm(np.array([np.nan, np.nan]))).all()


def test_the_t_test_is_scipys_for_many_rows():
    values = np.random.default_rng(0).standard_normal((20, 5)) + 0.5
    np.testing.assert_allclose(paired_p(values), stats.ttest_1samp(values, 0, axis=1).pvalue)


def test_the_bootstrap_interval_is_the_quantile_of_all_resamples():
    values = np.array([0.011, 0.018, 0.013, 0.024, 0.009])
    means = np.array([np.mean(resample) for resample in itertools.product(values, repeat=5)])
    tail = (1 - expanded_level(5)) / 2
    low, high, how = interval(values[None])
    assert how == "bootstrap"
    assert low[0] == pytest.approx(np.quantile(means, tail), abs=4e-4)
    assert high[0] == pytest.approx(np.quantile(means, 1 - tail), abs=4e-4)


def test_the_expanded_level_gives_students_width_for_normal_data():
    for n in (5, 10, 30):
        tail = (1 - expanded_level(n)) / 2
        assert -stats.norm.ppf(tail) * np.sqrt((n - 1) / n) == pytest.approx(stats.t.ppf(0.975, n - 1))


def test_few_seeds_have_students_interval_and_one_has_none():
    values = np.array([[0.1, 0.3, 0.2, 0.6]])
    low, high, how = interval(values)
    expected = stats.t.interval(0.95, 3, values.mean(), stats.sem(values, axis=1)[0])
    assert (low[0], high[0], how) == (*map(pytest.approx, expected), "t")
    assert interval(values[:, :1])[2] == "none"
    assert np.isnan(interval(values[:, :1])[0]).all()


def test_the_effect_size_has_no_bias_for_few_seeds():
    values = np.random.default_rng(0).standard_normal((200_000, 5)) + 0.8
    assert effect_size(values).mean() == pytest.approx(0.8, abs=0.01)
    assert (values.mean(1) / values.std(1, ddof=1)).mean() > 0.95


def brute_force(scores, factors):
    """Sums of squares by least squares: how much each set of indicator columns explains that smaller ones do not."""
    places = np.indices(scores.shape)[:-1].reshape(len(factors), -1)
    y = scores.ravel() - scores.mean()

    def columns(of):
        """All products of indicators of the factors: the span of every effect within this set."""
        made = np.ones((y.size, 1))
        for axis in of:
            indicators = np.eye(scores.shape[axis])[places[axis]]
            made = (made[:, :, None] * indicators[:, None, :]).reshape(y.size, -1)
        return made

    def explained(of):
        fitted = columns(of) @ np.linalg.lstsq(columns(of), y, rcond=None)[0]
        return (fitted**2).sum()

    axes = range(len(factors))
    main = {factors[a]: explained((a,)) for a in axes}
    pairs = {
        f"{factors[a]} × {factors[b]}": explained((a, b)) - main[factors[a]] - main[factors[b]]
        for a, b in itertools.combinations(axes, 2)
    }
    return {name: squares / (y**2).sum() for name, squares in (main | pairs).items()}


def test_shares_are_those_of_least_squares():
    scores = np.random.default_rng(3).random((3, 2, 4, 5)) + np.arange(4)[:, None] * np.ones(5)
    factors = ["depth", "activation", "initializer"]
    found = {row[0]: row[2] for row in shares(scores, factors)}
    for name, share in brute_force(scores, factors).items():
        assert found[name] == pytest.approx(share, abs=1e-12), name
    assert sum(found.values()) == pytest.approx(1.0, abs=1e-12)
    assert sum(row[3] for row in shares(scores, factors)) == scores.size - 1


def test_shares_of_constructed_effects_are_the_closed_form():
    """y = a + b + a·b with a, b = ±1, ±2: sums of squares N, 4 N and 4 N, and nothing else."""
    a, b, _ = np.meshgrid([-1.0, 1.0], [-2.0, 2.0], np.zeros(3), indexing="ij")
    found = {row[0]: row[2] for row in shares(a + b + a * b, ["depth", "clipping"])}
    assert found == pytest.approx(
        {"depth": 1 / 9, "clipping": 4 / 9, "depth × clipping": 4 / 9, "seeds": 0.0}
    )


def test_shares_of_a_constant_are_unknown_and_one_seed_has_no_row_of_seeds():
    assert np.isnan([row[2] for row in shares(np.ones((2, 3, 2)), ["depth", "clipping"])]).all()
    kinds = [
        row[1]
        for row in shares(np.random.default_rng(0).random((2, 3, 2, 1)), ["depth", "width", "clipping"])
    ]
    assert kinds == ["main"] * 3 + ["interaction"] * 3 + ["higher orders"]


def test_the_table_of_effects_adds_up_and_its_intervals_hold_their_shares():
    found = effects(runs())
    assert found["share"].sum() == pytest.approx(1.0)
    assert ((found["low"] <= found["share"]) & (found["share"] <= found["high"])).all()
    assert (found["runs"] == 120).all()
    assert (found["left_out"] == "none").all()
    mains = found[found["kind"] == "main"]
    assert mains["share"].is_monotonic_decreasing


def test_the_jackknife_of_a_mean_is_students_interval():
    values = np.array([0.31, 0.35, 0.28, 0.4, 0.33])
    without = np.array([np.delete(values, i).mean() for i in range(5)])
    expected = stats.t.interval(0.95, 4, values.mean(), stats.sem(values))
    assert jackknife(values.mean(), without) == pytest.approx(expected)
    assert np.isnan(jackknife(0.3, without[:2])).all()


def test_what_is_missing_is_left_out_until_the_rest_is_whole_and_named():
    frame = runs()
    part = frame[~((frame["depth"] == 4) & (frame["activation"] == "relu"))]
    part = part[~((part["initializer"] == "orthogonal") & (part["clipping"] == "none") & (part["seed"] > 0))]
    found = effects(part)
    assert found["share"].sum() == pytest.approx(1.0)
    assert found["left_out"].unique() == ["depth 4; initializer orthogonal"]
    assert (found["runs"] == 2 * 2 * 2 * 5).all()
    ranked = ranks(part)
    assert ranked["conditions"].unique() == 3  # with clipping: depth 1 twice, depth 4 with tanh
    pair = one(comparisons(part), factor="activation", level="tanh", reference="relu")
    assert pair["conditions"] == 5  # depth 1, and there without orthogonal and no clipping


def test_levels_that_never_meet_are_not_compared():
    frame = runs()
    part = frame[(frame["depth"] == 1) == (frame["activation"] == "tanh")]
    found = comparisons(part)
    assert set(found["factor"]) == {"initializer", "clipping"}


def test_of_several_learning_rates_each_cell_has_its_best_by_validation_accuracy():
    def rated(frame):
        fits = frame["activation"].eq("tanh") == frame["learning_rate"].eq(0.1)
        return frame.assign(
            validation_accuracy=np.where(fits, 0.8, 0.7), test_accuracy=np.where(fits, 0.3, 0.9)
        )

    frame = rated(synthetic.tables(**{**GRID, "learning_rates": (0.1, 0.5)})["runs"])
    frame = frame.astype(dict.fromkeys(frame.select_dtypes("category"), object)).assign(status="completed")
    chosen = at_best_rate(frame)
    assert len(chosen) == len(frame) / 2
    assert set(zip(chosen["activation"], chosen["learning_rate"], strict=True)) == {
        ("tanh", 0.1),
        ("relu", 0.5),
    }
    compared = scored(frame)
    assert set(compared["learning_rate"]) == {"best of 0.1, 0.5"}
    assert (compared["score"] == 0.3).all()  # the test accuracy, which had no part in the choice
    assert set(comparisons(compared)["factor"]) == {"depth", "activation", "initializer", "clipping"}


def test_a_rate_at_which_runs_diverge_is_not_the_best_and_of_equals_the_smallest_is():
    frame = synthetic.tables(**{**GRID, "learning_rates": (0.5, 0.1, 0.2)})["runs"]
    frame = frame.astype(dict.fromkeys(frame.select_dtypes("category"), object))
    frame = frame.assign(validation_accuracy=0.6, status="completed")
    lost = frame["learning_rate"].eq(0.1) & frame["seed"].eq(0)
    frame = frame.assign(status=frame["status"].mask(lost, "diverged"))
    assert set(at_best_rate(frame)["learning_rate"]) == {0.2}


def test_cells_are_compared_over_the_seeds_that_they_share():
    frame = synthetic.tables(**GRID)["runs"]
    frame = frame.astype(dict.fromkeys(frame.select_dtypes("category"), object))
    assert len(scored(frame)) == len(frame) == 120
    shared = scored(frame[(frame["seed"] != 3) | (frame["depth"] == 1)])  # a seed still to come
    assert (set(shared["seed"]), len(shared)) == ({0, 1, 2, 4}, 96)
    shared = scored(frame[(frame["seed"] == 0) | (frame["initializer"] != "orthogonal")])
    assert set(shared["seed"]) == {0, 1, 2, 3, 4}
    assert set(shared["initializer"]) == {"lecun_normal", "kaiming_normal"}


@pytest.mark.parametrize(
    "levels",
    [
        {"seeds": 1},
        {"seeds": 2},
        {"seeds": 3},
        {"initializers": ("orthogonal",)},
        {"depths": (1,), "activations": ("tanh",), "initializers": ("orthogonal",), "clippings": ("none",)},
        {"all_diverge": True},
        {"learning_rates": (0.1, 0.5), "seeds": 1},
    ],
)
def test_small_and_lost_grids_give_tables_that_can_be_written(levels):
    made = statistics(synthetic.tables(**{**GRID, **levels})["runs"])
    for name, table in STATISTICS_TABLES.items():
        to_arrow(made[name], table)
    if levels.get("seeds") == 1:
        assert made["comparisons"][["low", "high", "p_value", "p_holm"]].isna().all(axis=None)
        assert (made["comparisons"]["noise"] == "inside").all()


@pytest.mark.slow
def test_the_coverage_of_the_intervals_is_what_the_methods_say():
    """Percentage of 4,000 samples whose interval holds the true mean; its standard error is below 0.6."""
    rows = re.findall(
        r"^ *\| (\d+) seeds \| (\d+) % \| (\d+) % \|$", METHODS.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert [int(row[0]) for row in rows] == [3, 5, 10, 20]
    for n, *said in rows:
        found = [coverage(int(n), kind) for kind in ("normal", "skewed")]
        assert found == pytest.approx([float(share) for share in said], abs=1.5), n


def coverage(n, kind):
    rng = np.random.default_rng(n)
    draw, mean = (rng.standard_normal, 0.0) if kind == "normal" else (rng.standard_exponential, 1.0)
    held = []
    for _ in range(20):
        low, high, _ = interval(draw((200, n)))
        held.append((low <= mean) & (mean <= high))
    return 100 * np.mean(held)
