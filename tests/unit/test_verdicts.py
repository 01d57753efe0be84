"""Gradient slope and verdicts, against values worked out by hand and by numpy.polyfit."""

import numpy as np
import pandas as pd
import pytest

from gradgrid.analysis.slope import gradient_slope
from gradgrid.analysis.verdicts import HEALTHY, RULES, judged
from gradgrid.core.verdicts import VERDICTS, Verdicts, rules


def gradients(norms, *, run_id="a", step=0, saturated=0.0, dead=0.0):
    """Rows of one run at one step; the last norm is the output layer's."""
    depth = len(norms) - 1
    return pd.DataFrame(
        {
            "run_id": run_id,
            "depth": depth,
            "step": step,
            "layer": range(1, depth + 2),
            "bias_gradient_norm": np.array(norms, np.float32),
            "saturated_fraction": saturated,
            "dead_fraction": dead,
        }
    )


def runs(depth=4, *, status="completed", accuracy=0.95):
    diverged = status == "diverged"
    return pd.DataFrame(
        {
            "run_id": ["a"],
            "depth": [depth],
            "status": [status],
            "diverged_at_step": [120.0 if diverged else np.nan],
            "diverged_layer": [3.0 if diverged else np.nan],
            "validation_accuracy": [accuracy],
        }
    )


def words(runs, gradients):
    return judged(runs, gradients)["verdict"]


def whole(norms, *, status="completed", accuracy=0.95, limits=None, **measured):
    one = runs(len(norms) - 1, status=status, accuracy=accuracy)
    return judged(one, gradients(norms, **measured), limits or Verdicts()).iloc[0]


def verdict(norms, **arguments):
    return whole(norms, **arguments)["verdict"]


def test_slope_counts_decades_per_hidden_layer_and_leaves_the_output_layer_out():
    slope = gradient_slope(gradients([1e-4, 1e-3, 1e-2, 1e-1, 50.0]))
    assert slope["a"] == pytest.approx(1.0, abs=1e-6)


def test_slope_agrees_with_polyfit_for_many_runs_in_any_row_order():
    rng = np.random.default_rng(0)
    norms = {f"run{i}": 10 ** rng.uniform(-6, 6, depth + 1) for i, depth in enumerate([2, 3, 4, 8])}
    rows = pd.concat([gradients(values, run_id=name) for name, values in norms.items()])
    slopes = gradient_slope(rows.sample(frac=1, random_state=1))
    for name, values in norms.items():
        hidden = np.log10(values[:-1].astype(np.float32).astype(np.float64))
        assert slopes[name] == pytest.approx(np.polyfit(np.arange(len(hidden)), hidden, 1)[0], rel=1e-12)


@pytest.mark.parametrize("norms", [[1e-3, 0.2], [0.0, 1e-3, 0.2], [np.inf, 1e-3, 0.2], [np.nan, 1e-3, 0.2]])
def test_slope_is_null_for_depth_1_and_for_a_norm_that_is_zero_or_not_finite(norms):
    assert gradient_slope(gradients(norms)).isna().all()


def test_slope_is_null_where_a_hidden_layer_is_missing_and_uses_step_0_alone():
    whole = gradients([1e-3, 1e-2, 1e-1, 1.0])
    assert gradient_slope(whole[whole["layer"] != 2]).isna().all()
    later = gradients([1.0, 1.0, 1.0, 1.0], step=100)
    assert gradient_slope(pd.concat([whole, later]))["a"] == pytest.approx(1.0, abs=1e-6)
    assert gradient_slope(later).isna().all()


FLAT = [0.1, 0.1, 0.1, 0.1, 0.1]


@pytest.mark.parametrize(
    ("word", "arguments"),
    [
        ("diverged", {"norms": FLAT, "status": "diverged", "accuracy": np.nan}),
        ("never learned", {"norms": FLAT, "accuracy": 0.1}),
        ("vanishing", {"norms": [1e-3, 1e-2, 1e-1, 1.0, 1.0]}),
        ("vanishing", {"norms": [0.0, 0.1, 0.1, 0.1, 0.1]}),
        ("exploding", {"norms": [1.0, 1e-1, 1e-2, 1e-3, 1.0]}),
        ("dead units", {"norms": FLAT, "dead": 0.6}),
        ("saturated", {"norms": FLAT, "saturated": 0.96}),
        ("healthy", {"norms": FLAT, "saturated": 0.9, "dead": 0.4}),
        ("healthy", {"norms": [0.1, 0.1]}),
    ],
)
def test_each_verdict(word, arguments):
    assert verdict(**arguments) == word


def test_the_worse_verdict_wins():
    assert (*RULES, HEALTHY) == VERDICTS
    assert verdict([1e-3, 1e-2, 1e-1, 1.0, 1.0], accuracy=0.1, saturated=1.0) == "never learned"
    assert verdict([1e-3, 1e-2, 1e-1, 1.0, 1.0], saturated=1.0, dead=1.0) == "vanishing"
    assert verdict(FLAT, saturated=1.0, dead=1.0) == "dead units"


def test_the_output_layer_never_makes_a_layer_lost():
    rows = gradients(FLAT)
    rows.loc[rows["layer"] == 5, ["saturated_fraction", "dead_fraction"]] = 1.0
    assert words(runs(), rows).item() == "healthy"


def test_saturation_counts_at_the_last_measurement():
    early, late = gradients(FLAT, saturated=0.99), gradients(FLAT, step=5000, saturated=0.1)
    assert words(runs(), pd.concat([late, early])).item() == "healthy"


def test_verdicts_follow_the_rows_of_runs_whatever_their_index_and_order():
    both = pd.concat([runs(), runs(accuracy=0.1).assign(run_id="b")]).set_axis([7, 3])
    rows = pd.concat([gradients(FLAT, run_id="b"), gradients([1.0, 0.1, 0.01, 1e-3, 1.0])])
    assert words(both, rows).to_dict() == {7: "exploding", 3: "never learned"}


SLOW, FAST = [1e-3, 1e-2, 1e-1, 1.0, 1.0], [1.0, 1e-1, 1e-2, 1e-3, 1.0]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"norms": FLAT, "status": "diverged"}, "layer 3 became non-finite first, at step 120"),
        ({"norms": FLAT, "accuracy": 0.113}, "validation accuracy 11.3 % (limit 20 %)"),
        (
            {"norms": SLOW},
            "the first hidden layer learns 10^3.0 times more slowly than the last at initialization (limit 10^1)",
        ),
        (
            {"norms": FAST},
            "the first hidden layer learns 10^3.0 times faster than the last at initialization (limit 10^1)",
        ),
        ({"norms": [0.0, *FLAT[1:]]}, "the speed of learning of some hidden layer is 0 at initialization"),
        ({"norms": FLAT, "dead": 0.6}, "60.0 % of some hidden layer's neurons are dead (limit 50 %)"),
        (
            {"norms": FLAT, "saturated": 0.96},
            "96.0 % of some hidden layer's activations are saturated (limit 95 %)",
        ),
        (
            {"norms": [0.1, 0.1], "dead": 0.25},
            "validation accuracy 95.0 %; at most 25.0 % of a hidden layer dead; at most 0.0 % of a hidden layer "
            "saturated",
        ),
    ],
)
def test_the_reason_says_the_numbers_and_the_limit(arguments, reason):
    assert whole(**arguments)["verdict_reason"] == reason


@pytest.mark.parametrize(
    ("arguments", "limits", "word"),
    [
        ({"norms": FLAT, "accuracy": 0.3}, {"never_learned_accuracy": 0.31}, "never learned"),
        ({"norms": FLAT, "accuracy": 0.3}, {"never_learned_accuracy": 0.3}, "healthy"),
        ({"norms": SLOW}, {"decades": 3.1}, "healthy"),
        ({"norms": SLOW}, {"decades": 2.9}, "vanishing"),
        ({"norms": FAST}, {"decades": 3.1}, "healthy"),
        ({"norms": FLAT, "dead": 0.6}, {"dead_share": 0.6}, "healthy"),
        ({"norms": FLAT, "dead": 0.6}, {"dead_share": 0.59}, "dead units"),
        ({"norms": FLAT, "saturated": 0.5}, {"saturated_share": 0.4}, "saturated"),
    ],
)
def test_the_limits_decide(arguments, limits, word):
    assert verdict(**arguments, limits=Verdicts(**limits)) == word


def test_every_verdict_has_its_rule_in_words_with_the_limits():
    said = rules(Verdicts(never_learned_accuracy=0.25, decades=2, dead_share=0.4, saturated_share=0.875))
    assert tuple(said) == VERDICTS
    assert "below 25 %" in said["never learned"]
    assert "at least 100 times more slowly" in said["vanishing"]
    assert "at least 100 times faster" in said["exploding"]
    assert "more than 40 %" in said["dead units"]
    assert "more than 87.5 %" in said["saturated"]
