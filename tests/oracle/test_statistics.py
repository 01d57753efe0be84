"""Paired differences and shares of variance, against closed forms, brute force and scipy's own tests."""

import itertools

import numpy as np
import pandas as pd
import pytest
import synthetic
from scipy import stats
from statistical import GRID, one, runs

from gradgrid.analysis.effects import effects, shares
from gradgrid.analysis.pairs import comparisons
from gradgrid.analysis.ranks import ranks
from gradgrid.analysis.resampling import interval
from gradgrid.analysis.scores import GUESSING, at_best_rate, scored
from gradgrid.analysis.statistics import statistics
from gradgrid.core.parquet import to_arrow
from gradgrid.core.statistics_tables import STATISTICS_TABLES


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


def test_of_several_learning_rates_each_cell_has_its_best_by_validation_accuracy(monkeypatch):
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
    monkeypatch.setattr("gradgrid.analysis.scores.MOST_NAMED", 1)
    assert set(scored(frame)["learning_rate"]) == {"best of 2 from 0.1 to 0.5"}
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
