"""How the report writes numbers, and the one interval it computes."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy import stats

NONE = "–"
"""What stands where there is no number."""
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds with its 95 % t-interval; low and high are NaN where one seed gives none."""

    mean: float
    low: float
    high: float
    seeds: int

    @classmethod
    def of(cls, per_seed: Iterable[float]) -> "Estimate":
        """Mean and Student's t-interval of one value per seed; NaN values are left out."""
        values = np.asarray(list(per_seed), dtype=float)
        values = values[np.isfinite(values)]
        if values.size < 2:
            mean = float(values[0]) if values.size else math.nan
            return cls(mean, math.nan, math.nan, values.size)
        mean = float(values.mean())
        half = float(stats.t.ppf(0.975, values.size - 1) * stats.sem(values))
        return cls(mean, mean - half, mean + half, values.size)

    def __neg__(self) -> "Estimate":
        return Estimate(-self.mean, -self.high, -self.low, self.seeds)

    @property
    def sign(self) -> int:
        """1 or −1 where the interval lies on one side of zero, 0 where it holds zero or is unknown."""
        return int(self.low > 0) - int(self.high < 0)

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.low)

    def interval(self, write: Callable[[float], str]) -> str:
        """The interval in words: ``95 % interval 1.2 to 1.4``."""
        if not self.known:
            return "no interval" if self.seeds > 1 else "one seed, no interval"
        return f"95 % interval {write(self.low)} to {write(self.high)}"


def percent(fraction: float) -> str:
    """``0.9312`` as ``93.1 %``; the ends of a t-interval that leave 0…1 are drawn back to it."""
    return f"{100 * min(max(fraction, 0.0), 1.0):.1f} %"


def points(fraction: float) -> str:
    """A difference of fractions in percentage points, signed, with a true minus: ``−0.4``."""
    text = f"{100 * fraction:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "−")


def times(factor: float) -> str:
    """A factor of 1 or more to two digits: ``4.7``, ``120``, ``55,000``, ``5.2 × 10⁷``."""
    if not math.isfinite(factor):
        return "∞"
    exponent = math.floor(math.log10(factor))
    if exponent > 5:
        return f"{factor / 10**exponent:.1f} × 10{str(exponent).translate(_SUPERSCRIPTS)}"
    return f"{factor:.1f}" if exponent < 1 else f"{round(factor, 1 - exponent):,.0f}"


def significant(value: float, digits: int) -> str:
    """A number of any size to so many digits: ``96.48``, ``0.0600``, ``−8.05 × 10⁻⁵``; – for none."""
    if math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    if -5 < int(exponent) < 6:
        text = f"{value:,.{max(digits - 1 - int(exponent), 0)}f}"
    else:
        text = f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return text.replace("-", "−")


def number(value: float, digits: int = 4) -> str:
    """The same without zeros at the end of the decimals: ``0.06``, ``25``, ``10,000``, ``2 × 10⁻⁷``."""
    written, *power = significant(value, digits).split(" ", 1)
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return " ".join([written, *power])


def p_value(p: float, relation: bool = False) -> str:
    """A p-value: ``0.032``, or ``< 0.0001``; with its relation, ``= 0.032``; – for none."""
    if math.isnan(p):
        return NONE
    if p < 1e-4:
        return "< 0.0001"
    return f"{'= ' if relation else ''}{number(p, 2)}"


def with_interval(value: float, low: float, high: float) -> tuple[str, str]:
    """A number, and its interval ``low to high``, with the decimals that show the interval's width to two digits."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return number(value), ""
    decimals = max(1 - math.floor(math.log10(high - low)), 0) if high > low else 7
    if decimals > 6:
        return number(value), f"{number(low)} to {number(high)}"
    # Adding 0 makes a negative zero a positive one.
    written = (f"{round(x, decimals) + 0.0:,.{decimals}f}" for x in (value, low, high))
    value, low, high = (text.replace("-", "−") for text in written)
    return value, f"{low} to {high}"


def count(number: float) -> str:
    """A whole number with thousands separated by commas."""
    return f"{round(number):,}"


def duration(seconds: float) -> str:
    """Seconds in the two largest units that matter: ``34 s``, ``12 min 5 s``, ``3 h 20 min``."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
