"""How a claim is judged: one number a seed, its mean with a 95 % interval, a rule, a verdict.

A seed without a number (its network diverged, or a gradient is 0) counts against the claim, and where more than 5 %
of the seeds have none, no mean speaks for them. A single seed gives no interval and judges nothing.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from gradgrid.analysis.intervals import CONFIDENCE, mean_with_interval
from gradgrid.core.numbers import counted

HOLDS, ON_AVERAGE, FAILS, NOT_JUDGED = "holds", "holds on average", "does not hold", "not judged"
MOST = 0.95
"""The share of the seeds for which a claim must be true to hold, and that must have a number."""
USUALLY = 0.5
"""What happens in more than this share of all cases happens usually."""

_MISSING = (
    "Seeds without a number count against it, and it does not hold if more than "
    f"{100 * (1 - MOST):.0f} % of them have none."
)

Interval = tuple[float, float, float]


class Claim(NamedTuple):
    """A claim and what was found; ``published`` is the book's own number, NaN where it gives none."""

    claim_id: str
    text: str
    measure: str
    finding: "Finding"
    published: float = np.nan


@dataclass(frozen=True)
class Sample:
    """One number a seed, null where there is none; the mean of a ``ratio`` is the geometric one."""

    values: pd.Series
    ratio: bool = False

    @cached_property
    def numbers(self) -> pd.Series:
        """The numbers on the scale on which they are averaged (log10 of a ratio); NaN where there is none."""
        values = self.values.astype(np.float64)
        values = values.where(np.isfinite(values) & (values.gt(0) | (not self.ratio)))
        return np.log10(values) if self.ratio else values

    @property
    def complete(self) -> bool:
        """So many seeds have a number that their mean may speak for all."""
        return share(self.numbers.notna()) >= MOST

    def interval(self, *, of_another: bool = False) -> Interval:
        """Mean, and 95 % interval of the mean or, ``of_another``, of one more seed's number; NaN where none.

        ``m ± t(0.975, n − 1) · s ÷ √n`` for the mean, ``m ± t(0.975, n − 1) · s · √(1 + 1/n)`` for one more seed;
        of the logarithms of a ratio.
        """
        found = mean_with_interval(self.numbers.groupby(np.zeros(len(self.numbers)))).iloc[0]
        wider = np.sqrt(self.numbers.count() + 1) if of_another else 1.0
        half = wider * (found["high"] - found["mean"])
        ends = np.array([found["mean"], found["mean"] - half, found["mean"] + half])
        return tuple((10**ends if self.ratio else ends).tolist())


@dataclass(frozen=True)
class Finding:
    """What the seeds, or draws, say of a claim: columns of its row; ``missing`` of them have no number."""

    value: float
    low: float
    high: float
    share_of_seeds: float
    seeds: int
    verdict: str
    rule: str
    missing: int = 0
    objection: str = ""


def between(sample: Sample, low: float = -np.inf, high: float = np.inf) -> Finding:
    """Is a number between two bounds, for the seeds and on average?"""
    interval = _, start, end = sample.interval()
    true = sample.numbers.notna() & sample.values.gt(low) & sample.values.lt(high)
    on_average = sample.complete and low < start and end < high
    verdict = FAILS if not on_average else HOLDS if share(true) >= MOST else ON_AVERAGE
    rule = (
        f"holds: {_bounds(low, high)} for at least {100 * MOST:.0f} % of the seeds, and so is the whole 95 % interval "
        f"of the {'geometric mean' if sample.ratio else 'mean'} (Student's t); holds on average: the interval is, for "
        f"fewer seeds; does not hold: otherwise. {_MISSING}"
    )
    return _of_seeds(sample, interval, true, verdict, rule)


def near(sample: Sample, published: float) -> Finding:
    """Is the book's number one that another seed might give? The share is that of the seeds that reach it."""
    interval = _, low, high = sample.interval(of_another=True)
    verdict = HOLDS if sample.complete and low <= published <= high else FAILS
    rule = (
        "holds: the book's number lies within the 95 % prediction interval, where one more seed would fall 19 times "
        f"in 20 (Student's t{', of the logarithms' if sample.ratio else ''}); does not hold: otherwise. The share is "
        f"that of the seeds that reach the book's number. {_MISSING}"
    )
    reached = sample.numbers.notna() & sample.values.ge(published)
    return _of_seeds(sample, interval, reached, verdict, rule)


def usually(events: pd.DataFrame) -> Finding:
    """Does something happen in most cases? A row is a draw, a column one of its cases.

    The cases of a draw may depend on each other: the interval counts draws, not cases.
    """
    found = share(events.stack())
    low, high = wilson(found, len(events))
    rule = (
        "holds: the whole 95 % interval of the share (Wilson's, with as many trials as chains) lies above one half, "
        "which is what usually is taken to mean; does not hold: otherwise."
    )
    return Finding(found, low, high, found, len(events), HOLDS if low > USUALLY else FAILS, rule)


def always(true: pd.Series, value: float) -> Finding:
    """Is something true of every draw?"""
    rule = "holds: true of every chain, up to rounding (a relative error of 1e-9); does not hold: otherwise."
    return Finding(value, np.nan, np.nan, share(true), len(true), HOLDS if true.all() else FAILS, rule)


def share(true: pd.Series) -> float:
    """The share that is true."""
    return float(true.sum()) / len(true)


def wilson(found: float, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share p (Wilson, 1927).

    ``(p + z²/2n ± z · √(p(1 − p)/n + z²/4n²)) ÷ (1 + z²/n)`` with z = Φ⁻¹(0.975).
    """
    z = stats.norm.ppf((1 + CONFIDENCE) / 2)
    half = z * np.sqrt(found * (1 - found) / trials + (z / trials) ** 2 / 4)
    ends = found + z**2 / (2 * trials) + np.array([-half, half])
    return tuple((ends / (1 + z**2 / trials)).tolist())


def row(claim: Claim, *, dataset: str = "", objections: Sequence[str] = ()) -> dict[str, object]:
    """A row of the table of claims; ``objections``: why these numbers cannot judge what the book says."""
    found = asdict(claim.finding)
    missing, objection = found.pop("missing"), found.pop("objection")
    without = f" ({missing} of {counted(claim.finding.seeds, 'seed')} without a number)" if missing else ""
    if reasons := [*objections, *filter(None, [objection])]:
        found |= {
            "verdict": NOT_JUDGED,
            "rule": f"not judged: {'; '.join(reasons)}. Else: {claim.finding.rule}",
        }
    named = {"dataset": dataset, "claim_id": claim.claim_id, "claim": claim.text}
    return {**named, "measure": claim.measure + without, "published": claim.published, **found}


def _of_seeds(sample: Sample, interval: Interval, true: pd.Series, verdict: str, rule: str) -> Finding:
    missing = int(sample.numbers.isna().sum())
    objection = "one seed gives no interval" if len(true) < 2 else ""
    return Finding(*interval, share(true), len(true), verdict, rule, missing, objection)


def _bounds(low: float, high: float) -> str:
    if np.isinf(high):
        return f"above {low:.4g}"
    return f"below {high:.4g}" if np.isinf(low) else f"between {low:.4g} and {high:.4g}"
