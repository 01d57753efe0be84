"""Gradient slope and verdicts, against values worked out by hand and by numpy.polyfit."""

import numpy as np
import pandas as pd
import pytest

from gradgrid.analysis.slope import gradient_slope
from gradgrid.analysis.verdicts import HEALTHY, RULES, VERDICTS, verdicts


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
    return pd.DataFrame(
        {"run_id": ["a"], "depth": [depth], "status": [status], "validation_accuracy": [accuracy]}
    )


def verdict(norms, *, status="completed", accuracy=0.95, **measured):
    return verdicts(
        runs(len(norms) - 1, status=status, accuracy=accuracy), gradients(norms, **measured)
    ).item()


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
    assert verdicts(runs(), rows).item() == "healthy"


def test_saturation_counts_at_the_last_measurement():
    early, late = gradients(FLAT, saturated=0.99), gradients(FLAT, step=5000, saturated=0.1)
    assert verdicts(runs(), pd.concat([late, early])).item() == "healthy"


def test_verdicts_follow_the_rows_of_runs_whatever_their_index_and_order():
    both = pd.concat([runs(), runs(accuracy=0.1).assign(run_id="b")]).set_axis([7, 3])
    rows = pd.concat([gradients(FLAT, run_id="b"), gradients([1.0, 0.1, 0.01, 1e-3, 1.0])])
    assert verdicts(both, rows).to_dict() == {7: "exploding", 3: "never learned"}
