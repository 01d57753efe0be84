"""Numbers as captions say them."""

import math

_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def percent(fraction: float) -> str:
    """A fraction with one decimal place: ``92.8 %``."""
    return f"{100 * fraction:.1f} %"


def times(ratio: float) -> str:
    """A positive ratio with two significant digits: ``1.5 times``, ``1,200 times``, ``3·10⁷ times``."""
    exponent = math.floor(math.log10(ratio))
    if exponent >= 6:
        return f"{ratio / 10**exponent:.0f}·10{str(exponent).translate(_SUPERSCRIPT)} times"
    rounded = round(ratio, 1 - exponent)
    return f"{rounded:,.{max(0, 1 - exponent)}f} times"


def signed(number: float, places: int = 2) -> str:
    """A number with its sign and a true minus: ``+0.65``, ``−1.20``; ``0.00`` has no sign."""
    text = f"{number:+.{places}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")
