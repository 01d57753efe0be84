"""The levels of the factors: their order in every figure, and how a reader says them."""

from collections.abc import Iterable, Sequence

from gradgrid.core.registry import entries

Level = str | int | float

_REGISTRIES = {
    "activation": "activations",
    "initializer": "initializers",
    "clipping": "clipping",
    "optimizer": "optimizers",
    "normalization": "normalization",
}
_IN_WORDS = {
    "depth": "depth {}",
    "activation": "{}",
    "initializer": "{}",
    "clipping": "clipping {}",
    "width": "width {}",
    "optimizer": "optimizer {}",
    "learning_rate": "learning rate {:g}",
    "normalization": "normalization {}",
    "residual": "residual connections: {}",
}


def ordered(factor: str, levels: Iterable[Level]) -> list[Level]:
    """Numbers ascending; names in the order of their registry, where relatives are neighbours.

    No clipping and no normalization come first; of one entry with several parameters, the labels decide.
    """
    if factor not in _REGISTRIES:
        return sorted(levels)
    names = ["none", *entries(_REGISTRIES[factor])]
    places = {name: place for place, name in enumerate(names)}
    return sorted(levels, key=lambda label: (places.get(_entry(label), len(places)), label))


def _entry(label: str) -> str:
    """The entry's name in a label such as ``leaky_relu(negative_slope=0.1)`` or ``norm=1``."""
    return label.partition("(")[0].partition("=")[0]


def spread_out(levels: Sequence[Level], most: int) -> list[Level]:
    """At most so many of the levels, as evenly spaced as can be, the first and the last among them; 2 or more."""
    if len(levels) <= most:
        return list(levels)
    return [levels[round(place * (len(levels) - 1) / (most - 1))] for place in range(most)]


def in_words(factor: str, level: Level) -> str:
    """A level as a reader says it: ``depth 4``, ``clipping none``, ``sigmoid``."""
    return _IN_WORDS[factor].format(level)
