"""What the remedies did: in words, and rung by rung in a table."""

from collections.abc import Iterator

import pandas as pd

from gradgrid.core.numbers import listed
from gradgrid.core.remedies import CLEAR, COMBINED, FIRST, TITLES, effects, told
from gradgrid.report.numbers import NONE, percent
from gradgrid.report.sections import Table, grouped

_SHARED = ["ladder", "case", "position", "rung"]


def words(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Every ladder's title, and depth by depth which of its rungs help, harm or make no difference."""
    ladders = effects(rows).groupby(["ladder", "case"], sort=False, observed=True)
    return [(_title(*names), " ".join(_depths(ladder))) for names, ladder in ladders]


def hard(rows: pd.DataFrame) -> str:
    """The accuracy of the hard case: ``10.7 % at depth 8 and 10.6 % at depth 16``."""
    found = effects(rows)
    begin = found[(found["ladder"] == COMBINED) & (found["effect"] == FIRST)]
    said = zip(begin["depth"], begin["accuracy"], strict=True)
    return listed(f"{percent(mean) if pd.notna(mean) else NONE} at depth {depth}" for depth, mean in said)


def _depths(ladder: pd.DataFrame) -> Iterator[str]:
    for depth, rungs in ladder.groupby("depth"):
        yield f"Depth {depth}: {told(rungs)}."


def table(rows: pd.DataFrame) -> Table:
    """A row a rung: at every depth its best learning rate, mean accuracy and gradient slope."""
    found = effects(rows)
    depths = sorted(found["depth"].unique())
    by_depth = {depth: found[found["depth"] == depth].set_index(_SHARED) for depth in depths}
    made = [
        (_title(ladder, case), [rung, *(cell for of in by_depth.values() for cell in _cells(of.loc[names]))])
        for names in by_depth[depths[0]].index
        for ladder, case, _, rung in [names]
    ]
    heads = [head for depth in depths for head in (f"depth {depth}: rate", "accuracy", "slope")]
    return Table(
        "laboratory-remedies-table",
        "Each rung's best learning rate, its mean validation accuracy over the seeds (in brackets runs that diverged "
        "and are left out), and the mean gradient slope before training, in decades per layer. Above, a rung helps or "
        f"harms where the accuracy of every seed is at least {100 * CLEAR:g} points above or below that on the "
        f"ladder's first rung; in “{TITLES[COMBINED]}”, on the rung before. A diverged run counts as guessing there.",
        ("ladder", "rung", *heads),
        2,
        grouped(made),
    )


def _cells(rung: pd.Series) -> list[str]:
    accuracy = percent(rung["accuracy"]) if pd.notna(rung["accuracy"]) else NONE
    lost = f" ({rung['diverged']} diverged)" if rung["diverged"] else ""
    # Adding 0 makes a negative zero a positive one.
    slope = f"{round(rung['slope'], 2) + 0.0:+.2f}".replace("-", "−") if pd.notna(rung["slope"]) else NONE
    return [f"{rung['learning_rate']:g}", accuracy + lost, slope]


def _title(ladder: str, case: str) -> str:
    return f"{TITLES[ladder]} (with {case})"
