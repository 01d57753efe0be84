"""What became of a run, in one word: each word one rule, the first that holds, from the worst down.

``diverged`` and ``never learned`` say how training ended; ``vanishing`` and ``exploding`` how the gradient
runs through the hidden layers at initialization; ``dead units`` and ``saturated`` what the hidden layers look
like at the last measurement. A run to which none applies is ``healthy``.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from gradgrid.analysis.slope import gradient_slope
from gradgrid.core.verdicts import VERDICTS, Verdicts, percent

Rule = Callable[[pd.DataFrame, Verdicts], pd.Series]
DEFAULTS = Verdicts()
HEALTHY = VERDICTS[-1]


def diverged(runs: pd.DataFrame, limits: Verdicts) -> pd.Series:
    """A parameter became non-finite."""
    return runs["status"] == "diverged"


def never_learned(runs: pd.DataFrame, limits: Verdicts) -> pd.Series:
    """The final validation accuracy is below ``never_learned_accuracy``."""
    return runs["validation_accuracy"] < limits.never_learned_accuracy


def vanishing(runs: pd.DataFrame, limits: Verdicts) -> pd.Series:
    """At initialization the first hidden layer learns 10^``decades`` times more slowly than the last, or one stands."""
    return (runs["decades"] >= limits.decades) | runs["no_gradient"]


def exploding(runs: pd.DataFrame, limits: Verdicts) -> pd.Series:
    """At initialization the first hidden layer learns 10^``decades`` times faster than the last."""
    return runs["decades"] <= -limits.decades


def dead_units(runs: pd.DataFrame, limits: Verdicts) -> pd.Series:
    """At the last measurement more than ``dead_share`` of some hidden layer's neurons pass no gradient on any image."""
    return runs["dead_fraction"] > limits.dead_share


def saturated(runs: pd.DataFrame, limits: Verdicts) -> pd.Series:
    """At the last measurement more than ``saturated_share`` of some hidden layer's activations are where it is flat."""
    return runs["saturated_fraction"] > limits.saturated_share


RULES: dict[str, Rule] = dict(
    zip(VERDICTS, (diverged, never_learned, vanishing, exploding, dead_units, saturated), strict=False)
)


def judged(runs: pd.DataFrame, gradients: pd.DataFrame, limits: Verdicts = DEFAULTS) -> pd.DataFrame:
    """``verdict`` of every run and ``verdict_reason``, the numbers that gave it, with the index of ``runs``.

    Args:
        runs: rows of the runs table: run_id, depth, status, diverged_at_step, diverged_layer, validation_accuracy.
        gradients: the gradients table's rows of these runs.
        limits: the thresholds.
    """
    measured = runs.drop(columns=["gradient_slope"], errors="ignore").join(_probe_findings(runs, gradients))
    words = np.full(len(runs), HEALTHY, dtype=object)
    for word, rule in reversed(RULES.items()):
        words[rule(measured, limits).to_numpy(bool)] = word
    named = measured.assign(verdict=words)
    reasons = [_REASONS[run.verdict](run, limits) for run in named.itertuples()]
    return pd.DataFrame({"verdict": words, "verdict_reason": reasons}, index=runs.index, dtype=object)


def _probe_findings(runs: pd.DataFrame, gradients: pd.DataFrame) -> pd.DataFrame:
    """What the rules read from the probe images, one row a run, with the index of ``runs``.

    ``decades``: gradient slope × (depth − 1); ``no_gradient``: some hidden layer's speed of learning is 0 at
    initialization; the two fractions: the worst hidden layer's at the last finite measurement.
    """
    hidden = gradients[gradients["layer"] <= gradients["depth"]].assign(
        run_id=lambda frame: frame["run_id"].astype(object)
    )
    first = hidden[hidden["step"] == 0]
    findings = _worst_layer_at_the_end(hidden)
    findings["no_gradient"] = (first["bias_gradient_norm"] == 0).groupby(first["run_id"]).any()
    run_ids = runs["run_id"].astype(object)
    findings = findings.reindex(run_ids)
    findings["no_gradient"] = findings["no_gradient"].eq(True)
    slope = gradient_slope(gradients).reindex(run_ids)
    findings["decades"] = slope.to_numpy() * (runs["depth"].to_numpy() - 1)
    return findings.set_axis(runs.index)


def _worst_layer_at_the_end(hidden: pd.DataFrame) -> pd.DataFrame:
    """Largest saturated_fraction and dead_fraction over the layers of each run's last measured step."""
    fractions = ["saturated_fraction", "dead_fraction"]
    by_step = hidden.groupby(["run_id", "step"], sort=True)[fractions].max()
    return by_step.groupby(level="run_id").last()


def _why_diverged(run: Any, limits: Verdicts) -> str:
    return f"layer {run.diverged_layer:.0f} became non-finite first, at step {run.diverged_at_step:.0f}"


def _why_never_learned(run: Any, limits: Verdicts) -> str:
    return f"validation accuracy {_percent(run.validation_accuracy)} (limit {percent(limits.never_learned_accuracy)})"


def _why_uneven(run: Any, limits: Verdicts) -> str:
    if run.no_gradient:
        return "the speed of learning of some hidden layer is 0 at initialization"
    return f"{_unevenness(run)} (limit 10^{limits.decades:g})"


def _why_dead(run: Any, limits: Verdicts) -> str:
    return f"{_percent(run.dead_fraction)} of some hidden layer's neurons are dead (limit {percent(limits.dead_share)})"


def _why_saturated(run: Any, limits: Verdicts) -> str:
    share, limit = _percent(run.saturated_fraction), percent(limits.saturated_share)
    return f"{share} of some hidden layer's activations are saturated (limit {limit})"


def _why_healthy(run: Any, limits: Verdicts) -> str:
    return "; ".join(_measured(run))


def _measured(run: Any) -> Iterator[str]:
    """All that the rules look at, as far as the run has it."""
    yield f"validation accuracy {_percent(run.validation_accuracy)}"
    if not np.isnan(run.decades):
        yield _unevenness(run)
    for share, what in ((run.dead_fraction, "dead"), (run.saturated_fraction, "saturated")):
        if not np.isnan(share):
            yield f"at most {_percent(share)} of a hidden layer {what}"


def _unevenness(run: Any) -> str:
    how = "more slowly" if run.decades >= 0 else "faster"
    return (
        f"the first hidden layer learns 10^{abs(run.decades):.1f} times {how} than the last at initialization"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


_REASONS: dict[str, Callable[[Any, Verdicts], str]] = {
    "diverged": _why_diverged,
    "never learned": _why_never_learned,
    "vanishing": _why_uneven,
    "exploding": _why_uneven,
    "dead units": _why_dead,
    "saturated": _why_saturated,
    HEALTHY: _why_healthy,
}
