"""The tables of the statistics: differences between levels, shares of variance, ranks of initializers."""

from typing import TYPE_CHECKING

from gradgrid.core import columns
from gradgrid.core.columns import f64, i32, text
from gradgrid.core.tables import Table

if TYPE_CHECKING:  # the rules read the names of tables, and need no pandas for that
    import pandas as pd

_LEARNING_RATE = text("learning_rate", "the one learning rate, or: best of those of the list, in every cell")
_RUNS = i32("runs", "runs", "runs that it is worked out from")

COMPARISONS = Table(
    "comparisons",
    "a factor's level × another level of it: how much better the first is, in final test accuracy",
    (
        columns.DATASET,
        text("factor", "the factor"),
        text("level", "the level that is compared"),
        text("reference", "the level that it is compared with"),
        _LEARNING_RATE,
        i32(
            "conditions",
            "conditions",
            "combinations of the other factors in which both levels are there, with every seed",
        ),
        i32("seeds", "seeds", "seeds: the size of the sample"),
        f64(
            "difference",
            "fraction",
            "mean over seeds of each seed's mean difference over the conditions; a diverged run counts as guessing",
        ),
        f64(
            "low", "fraction", "lower end of the difference's 95 % interval over the seeds; null for one seed"
        ),
        f64("high", "fraction", "upper end of the same"),
        text("interval", "how it was made: bootstrap, t (fewer than 5 seeds) or none (one seed)"),
        f64(
            "effect_size",
            "1",
            "difference ÷ its standard deviation over the seeds, corrected for few seeds (g_z)",
        ),
        f64(
            "dominance", "1", "share of condition × seed in which the level is better − in which it is worse"
        ),
        f64("p_value", "1", "two-sided paired t-test over the seeds"),
        f64("p_holm", "1", "the same after Holm's correction over all pairs of levels of the factor"),
        text("noise", "inside (p_holm of 0.05 or more, or one seed: no p) or outside"),
        f64("accuracy", "fraction", "mean test accuracy of the level over these conditions and seeds"),
        f64("reference_accuracy", "fraction", "the same of the reference"),
        i32("runs_diverged", "runs", "runs of the level that diverged, among those compared"),
        i32("reference_runs_diverged", "runs", "the same of the reference"),
        f64(
            "difference_completed",
            "fraction",
            "mean difference over the condition × seed in which neither run diverged, for comparison",
        ),
    ),
)

EFFECTS = Table(
    "effects",
    "a source of variance of the final test accuracy: a factor, two factors together, or the rest",
    (
        columns.DATASET,
        text("effect", "the factor, the two factors, higher orders, or seeds"),
        text("kind", "main, interaction, higher orders or seeds"),
        _LEARNING_RATE,
        f64(
            "share", "fraction", "its sum of squares ÷ the total one (η²); the shares of all rows add up to 1"
        ),
        f64(
            "low",
            "fraction",
            "lower end of the share's 95 % jackknife interval over the seeds; null below 3 seeds",
        ),
        f64("high", "fraction", "upper end of the same"),
        i32("degrees_of_freedom", "1", "degrees of freedom"),
        _RUNS,
        text(
            "left_out",
            "levels left out because some of their runs are not there; none for a whole grid",
            "text",
        ),
    ),
)

RANKS = Table(
    "ranks",
    "an initializer, ranked against the others in every condition",
    (
        columns.DATASET,
        columns.INITIALIZER,
        _LEARNING_RATE,
        f64(
            "mean_rank",
            "rank",
            "mean rank by test accuracy over the conditions; 1 is best, diverged runs are last",
        ),
        f64("accuracy", "fraction", "mean test accuracy; a diverged run counts as guessing"),
        i32("runs_diverged", "runs", "runs that diverged"),
        _RUNS,
        i32(
            "conditions",
            "conditions",
            "combinations of the other factors in which every initializer has every seed",
        ),
        f64(
            "critical_difference",
            "rank",
            "Nemenyi's, at 0.05: mean ranks nearer than this are not told apart",
        ),
        f64("friedman_statistic", "1", "Friedman's χ², corrected for ties; null below 3 initializers"),
        f64("friedman_p", "1", "its p-value: whether the initializers differ at all"),
    ),
)

STATISTICS_TABLES = {table.name: table for table in (COMPARISONS, EFFECTS, RANKS)}


def behind_best(rows: "pd.DataFrame") -> "pd.DataFrame":
    """The comparisons of one factor with its level of highest mean accuracy, the nearest first."""
    best = rows.loc[rows["reference_accuracy"].idxmax(), "reference"]
    return rows[rows["reference"] == best].sort_values("difference", ascending=False, kind="stable")
