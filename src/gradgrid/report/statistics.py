"""The chapter on statistics: what can be told apart, by how much, and what is inside the noise."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gradgrid.core.numbers import counted
from gradgrid.core.sidecars import Sidecar
from gradgrid.core.statistics_tables import behind_best
from gradgrid.report.numbers import NONE, Estimate, count, number, p_value, percent, points
from gradgrid.report.sections import Section, Table, grouped, sections

TITLE = "Statistics"
SECTIONS = {
    "differences": ("Differences between levels", ("level_differences",)),
    "variance": ("Shares of variance", ("variance_shares",)),
    "ranks": ("Ranks of initializers", ("initializer_ranks",)),
}


@dataclass(frozen=True)
class Chapter:
    """The chapter: how to read it, the learning rate, and the sections, each with its words and its table, if any."""

    title: str
    reading: str
    learning_rate: str
    noise: tuple[str, ...]
    sections: Mapping[str, Section]
    tables: Mapping[str, Table]


def chapter(
    tables: Mapping[str, pd.DataFrame], figures: Iterable[tuple[Sidecar, Path]], seeds: int
) -> Chapter:
    """What the page says of the tables of the statistics, over so many seeds."""
    comparisons, effects, ranks = (tables[name] for name in ("comparisons", "effects", "ranks"))
    made = {"differences": differences(comparisons), "variance": variance(effects), "ranks": ranking(ranks)}
    return Chapter(
        TITLE,
        _reading(seeds),
        _learning_rate(pd.concat([comparisons["learning_rate"], ranks["learning_rate"]])),
        tuple(noise(comparisons)),
        sections("statistics", SECTIONS, figures),
        {name: table for name, table in made.items() if table.groups},
    )


def _reading(seeds: int) -> str:
    compared = (
        "Final test accuracy is compared; a diverged run counts as guessing, 10 %, and ranks last. Runs are paired by "
        "seed and by all other factors. "
    )
    if seeds < 2:
        return (
            f"{compared}There is one seed: nothing here can be told from noise, and nothing has an interval."
        )
    return (
        f"{compared}The sample is the {counted(seeds, 'seed')}: each gives one difference, the mean over all "
        "conditions. So intervals say how far another set of seeds would move a number, and nothing of other "
        "conditions. A difference is inside the noise unless the paired t-test, corrected after Holm for all pairs of "
        "the factor, has p below 0.05."
    )


def _learning_rate(said: pd.Series) -> str:
    """What a fixed learning rate does to the comparison, or that each cell is at its best one."""
    rates = said.unique()
    if not len(rates):
        return ""
    if rates[0].startswith("best of"):
        return (
            f"Each cell is compared at its {rates[0]}: the learning rate of highest validation accuracy averaged over "
            "the seeds. The test accuracy had no part in that choice."
        )
    return (
        f"All cells have the learning rate {rates[0]}. What would want another one is not shown at its best, and the "
        "order may be another at another rate."
    )


_NAMED = 6
"""As many pairs inside the noise are named; all are in the table comparisons."""


def noise(comparisons: pd.DataFrame) -> Iterator[str]:
    """For every factor which pairs of levels are not told apart, in a sentence."""
    for factor, rows in comparisons.groupby("factor", sort=False):
        inside = rows[rows["noise"] == "inside"]
        pairs = list(
            dict.fromkeys(frozenset(pair) for pair in zip(inside["level"], inside["reference"], strict=True))
        )
        name = factor.replace("_", " ").capitalize()
        if not pairs:
            yield f"{name}: no difference between two levels is inside the noise."
        elif len(inside) == len(rows):
            yield f"{name}: every difference is inside the noise."
        else:
            # Both ways round, each pair stands twice.
            named = "; ".join(" and ".join(sorted(pair)) for pair in pairs[:_NAMED])
            rest = f"; and {len(pairs) - _NAMED} more" if len(pairs) > _NAMED else ""
            yield f"{name}: {counted(len(pairs), 'pair')} of {len(rows) // 2} inside the noise: {named}{rest}."


def differences(comparisons: pd.DataFrame) -> Table:
    """Every level of a factor against the factor's best."""
    rows = [
        (factor.replace("_", " "), _difference(row))
        for factor, of_factor in comparisons.groupby("factor", sort=False)
        for row in behind_best(of_factor).itertuples()
    ]
    return Table(
        "statistics-differences-table",
        "Test accuracy of each level against the best of its factor, in percentage points. Effect size: the difference "
        "÷ its standard deviation over the seeds, corrected for few of them. Dominance: share of the pairs of runs in "
        "which the level is better, minus that in which it is worse. Where none diverged: the same difference over "
        "the pairs of runs of which neither did.",
        (
            "factor", "level", "against", "noise", "difference", "95 % interval", "p, Holm", "effect size",
            "dominance", "where none diverged", "diverged",
        ),
        4,
        grouped(rows),
    )  # fmt: skip


def _difference(row: object) -> list[str]:
    estimate = Estimate(row.difference, row.low, row.high, row.seeds)
    ends = f"{points(row.low)} to {points(row.high)}" if estimate.known else NONE
    return [
        row.level, row.reference, row.noise, points(row.difference), ends, p_value(row.p_holm),
        _decimal(row.effect_size), _decimal(row.dominance),
        NONE if pd.isna(row.difference_completed) else points(row.difference_completed), count(row.runs_diverged),
    ]  # fmt: skip


def variance(effects: pd.DataFrame) -> Table:
    """Shares of variance of main effects, two-way interactions and the rest."""
    known = effects[effects["share"].notna()]
    rows = [
        (
            row.kind,
            [row.effect.replace("_", " "), percent(row.share), _between(row), count(row.degrees_of_freedom)],
        )
        for row in known.itertuples()
    ]
    left_out = "" if known.empty else known["left_out"].iloc[0]
    said = f" Left out, because runs are missing: {left_out}." if left_out not in ("", "none") else ""
    return Table(
        "statistics-variance-table",
        f"Share of the variance of test accuracy; the shares add up to 100 %.{said}",
        ("kind", "effect", "share", "95 % interval", "degrees of freedom"),
        2,
        grouped(rows),
    )


def _between(row: object) -> str:
    return NONE if pd.isna(row.low) else f"{percent(row.low)} to {percent(row.high)}"


def ranking(ranks: pd.DataFrame) -> Table:
    """Mean ranks of the initializers, and whether each is told apart from the first."""
    rows = [
        (row.initializer, [
            _apart(row, ranks), f"{row.mean_rank:.2f}", percent(row.accuracy), count(row.runs_diverged), count(row.runs)
        ])
        for row in ranks.itertuples()
    ]  # fmt: skip
    return Table(
        "statistics-ranks-table",
        _ranked(ranks),
        ("initializer", "told apart from the first", "mean rank", "test accuracy", "diverged", "runs"),
        2,
        grouped(rows),
    )


def _apart(row: object, ranks: pd.DataFrame) -> str:
    if row.Index == 0:
        return NONE
    return "no" if row.mean_rank - ranks["mean_rank"].iloc[0] < row.critical_difference else "yes"


def _ranked(ranks: pd.DataFrame) -> str:
    """Over what the ranks are, with the critical difference and Friedman's test, in sentences."""
    if ranks.empty:
        return ""
    first = ranks.iloc[0]
    test = (
        f" Friedman's test of no difference at all: χ² = {number(first['friedman_statistic'])}, p "
        f"{p_value(first['friedman_p'], relation=True)}."
        if pd.notna(first["friedman_p"])
        else ""
    )
    return (
        f"Mean rank by test accuracy over {counted(int(first['conditions']), 'condition')}; 1 is best. Mean ranks "
        f"nearer than {first['critical_difference']:.2f} are not told apart (Nemenyi, 0.05).{test}"
    )


def _decimal(value: float) -> str:
    return NONE if pd.isna(value) else f"{value:+.2f}".replace("-", "−")
