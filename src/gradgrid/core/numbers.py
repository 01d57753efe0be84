"""Numbers and lists in sentences: captions, findings, plans."""

from collections.abc import Iterable


def counted(number: int, thing: str) -> str:
    """``1 seed``, ``5 seeds``, ``4,320 runs``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def listed(words: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *front, last = words
    return f"{', '.join(front)} and {last}" if front else last
