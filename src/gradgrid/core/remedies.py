"""What the ladders of remedies show: rung by rung the accuracy, the gradient slope, and whether the remedy helps."""

from collections.abc import Iterator

import pandas as pd

from gradgrid.core.numbers import counted, listed

GUESSING = 0.1
"""Accuracy of guessing one of ten digits; a diverged run counts as no better where rungs are compared."""
CLEAR = 0.02
"""Difference of accuracies that every seed must reach for a rung to help or to harm."""
COMBINED = "combined"
"""The ladder on which every rung keeps the remedies of those before; elsewhere rungs replace one another."""
FIRST, HELPS, HARMS, NEITHER = "", "helps", "harms", "no clear difference"
TITLES = {
    "activation": "Activation",
    "initializer": "Initial weights",
    "optimizer": "Optimizer",
    "clipping": "Clipping",
    "normalization": "Normalization, residual connections",
    COMBINED: "One after another",
}
"""What the ladders are called."""
LADDER = ["depth", "ladder", "case"]
_RUNG = [*LADDER, "position", "rung"]
_TOLD = {HELPS: ("helps", "help"), HARMS: ("harms", "harm"), NEITHER: ("makes", "make")}


def effects(rows: pd.DataFrame) -> pd.DataFrame:
    """The rungs of table ``laboratory/remedies`` in its order, each at its best learning rate.

    ``accuracy``, over the runs that completed, and ``slope`` are means over seeds, ``diverged`` and ``seeds`` numbers
    of runs. ``effect`` is ``helps`` where the accuracy of every seed is at least ``CLEAR`` above that on the ladder's
    first rung (of the combined ladder: on the rung before), ``harms`` where it is as much below.
    """
    best = rows[rows["best"]]
    found = best.groupby(_RUNG, sort=False, observed=True).agg(
        learning_rate=("learning_rate", "first"),
        accuracy=("validation_accuracy", "mean"),
        slope=("gradient_slope", "mean"),
        diverged=("status", lambda status: (status == "diverged").sum()),
        seeds=("seed", "nunique"),
    )
    counts = best.assign(counts=best["validation_accuracy"].fillna(GUESSING))
    by_seed = counts.pivot_table(index=_RUNG, columns="seed", values="counts", observed=True).loc[found.index]
    return found.assign(effect=_effect(by_seed)).reset_index()


def _effect(by_seed: pd.DataFrame) -> pd.Series:
    ladders = by_seed.groupby(LADDER, sort=False, observed=True)
    gain = by_seed - ladders.transform("first")
    combined = by_seed.index.get_level_values("ladder") == COMBINED
    gain[combined] = ladders.diff()[combined]
    effect = pd.Series(NEITHER, index=by_seed.index)
    effect = effect.mask((gain >= CLEAR).all(axis=1), HELPS).mask((gain <= -CLEAR).all(axis=1), HARMS)
    return effect.mask(ladders.cumcount() == 0, FIRST)


def told(ladder: pd.DataFrame) -> str:
    """Which rungs of one ladder at one depth help and which do not, and where runs diverge, in a sentence's parts."""
    return "; ".join([*_by_effect(ladder), *_diverged(ladder)])


def _by_effect(ladder: pd.DataFrame) -> Iterator[str]:
    for effect, (one, several) in _TOLD.items():
        names = ladder.loc[ladder["effect"] == effect, "rung"].tolist()
        if names:
            verb = one if len(names) == 1 else several
            yield f"{listed(names)} {verb}" + (f" {NEITHER}" if effect == NEITHER else "")


def _diverged(ladder: pd.DataFrame) -> Iterator[str]:
    for row in ladder[ladder["diverged"] > 0].itertuples():
        yield f"on rung “{row.rung}” {row.diverged} of {counted(row.seeds, 'run')} diverged"
