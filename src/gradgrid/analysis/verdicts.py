"""What became of a run, in one word: each word one rule, the first that holds, from the worst down.

``diverged`` and ``never learned`` say how training ended; ``vanishing`` and ``exploding`` how the gradient
runs through the hidden layers at initialization; ``dead units`` and ``saturated`` what the hidden layers look
like at the last measurement. A run to which none applies is ``healthy``.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from gradgrid.analysis.slope import gradient_slope

NEVER_LEARNED_ACCURACY = 0.2
"""Final validation accuracy below which a run has learned nothing: twice that of guessing a digit."""

DECADES_OF_CHANGE = 1.0
"""Ratio of the speeds of learning of the first and the last hidden layer, in decades, from which the gradient
vanishes or explodes: at a factor of 10 the slow layers hardly move while the fast ones train."""

DEAD_SHARE = 0.5
"""Share of a hidden layer's neurons above which dead ones make the layer count as lost."""

SATURATED_SHARE = 0.95
"""Share of a hidden layer's activations above which saturated ones make the layer count as lost. So high because
a rectifier is flat on one side and a trained tanh works near its ends: in runs on MNIST that end above 90 % the
fullest layer has a share of 0.3 (sigmoid) to 0.75 (relu, tanh), and of 0.93 in one relu run in a hundred."""

Rule = Callable[[pd.DataFrame], pd.Series]


def diverged(runs: pd.DataFrame) -> pd.Series:
    """A parameter became non-finite."""
    return runs["status"] == "diverged"


def never_learned(runs: pd.DataFrame) -> pd.Series:
    """The final validation accuracy is below NEVER_LEARNED_ACCURACY."""
    return runs["validation_accuracy"] < NEVER_LEARNED_ACCURACY


def vanishing(runs: pd.DataFrame) -> pd.Series:
    """At initialization the first hidden layer learns 10 times slower than the last, or some layer stands."""
    return (runs["decades"] >= DECADES_OF_CHANGE) | runs["no_gradient"]


def exploding(runs: pd.DataFrame) -> pd.Series:
    """At initialization the first hidden layer learns 10 times faster than the last."""
    return runs["decades"] <= -DECADES_OF_CHANGE


def dead_units(runs: pd.DataFrame) -> pd.Series:
    """At the last measurement most neurons of some hidden layer pass no gradient on any probe image."""
    return runs["dead_fraction"] > DEAD_SHARE


def saturated(runs: pd.DataFrame) -> pd.Series:
    """At the last measurement nearly all activations of some hidden layer lie where its activation is flat."""
    return runs["saturated_fraction"] > SATURATED_SHARE


RULES: dict[str, Rule] = {
    "diverged": diverged,
    "never learned": never_learned,
    "vanishing": vanishing,
    "exploding": exploding,
    "dead units": dead_units,
    "saturated": saturated,
}
HEALTHY = "healthy"
VERDICTS = (*RULES, HEALTHY)
"""All verdicts, from the worst to the best."""


def verdicts(runs: pd.DataFrame, gradients: pd.DataFrame) -> pd.Series:
    """The verdict of every run, with the index of ``runs``.

    Args:
        runs: rows of the runs table: run_id, depth, status, validation_accuracy.
        gradients: the gradients table's rows of these runs.
    """
    measured = runs[["status", "validation_accuracy"]].join(_probe_findings(runs, gradients))
    words = np.full(len(runs), HEALTHY, dtype=object)
    for word, rule in reversed(RULES.items()):
        words[rule(measured).to_numpy(bool)] = word
    return pd.Series(words, index=runs.index, name="verdict")


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
