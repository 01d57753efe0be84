"""A registry function as the configuration names it, with the parameters that differ from its defaults."""

from collections.abc import Mapping
from dataclasses import dataclass

NO_CLIPPING = "none"
"""Label of a cell without gradient clipping (``null`` in config.yaml)."""

UNSAID = {"normalization": "none", "residual": "no"}
"""Labels of factors that leave something out: a cell's id is the same as if they did not exist, and a grid that has
no other level does not mention them."""


@dataclass(frozen=True, order=True)
class Entry:
    """One level of a factor: ``name`` and its given parameters, sorted by name.

    A parameter that equals its default is left out, so that equal levels are equal objects.
    """

    name: str
    parameters: tuple[tuple[str, float], ...] = ()

    @property
    def label(self) -> str:
        """``sigmoid``, or ``leaky_relu(negative_slope=0.1)``."""
        if not self.parameters:
            return self.name
        inside = ", ".join(f"{name}={number(value)}" for name, value in self.parameters)
        return f"{self.name}({inside})"

    @property
    def keywords(self) -> dict[str, float]:
        """The parameters as keyword arguments of the registry function."""
        return dict(self.parameters)

    def as_written(self) -> str | dict[str, dict[str, float]]:
        """The entry as config.yaml holds it: ``name``, or ``{name: {parameter: value}}``."""
        return {self.name: self.keywords} if self.parameters else self.name

    @classmethod
    def from_written(cls, value: str | Mapping[str, Mapping[str, float]]) -> "Entry":
        """The inverse of :meth:`as_written`."""
        if isinstance(value, str):
            return cls(value)
        ((name, parameters),) = value.items()
        return cls.of(name, parameters)

    @classmethod
    def of(cls, name: str, parameters: Mapping[str, float] | None = None) -> "Entry":
        """An entry from a mapping of parameters in any order."""
        return cls(name, tuple(sorted((key, float(value)) for key, value in (parameters or {}).items())))


def clipping_label(clipping: Entry | None) -> str:
    """``none``, ``norm=1`` or ``value=0.1``."""
    if clipping is None:
        return NO_CLIPPING
    if len(clipping.parameters) == 1:
        return f"{clipping.name}={number(clipping.parameters[0][1])}"
    return clipping.label


def normalization_label(normalization: Entry | None) -> str:
    """``none``, ``batch`` or ``layer``."""
    return normalization.label if normalization else UNSAID["normalization"]


def residual_label(residual: bool) -> str:
    """``yes`` or ``no``."""
    return "yes" if residual else UNSAID["residual"]


def number(value: float) -> str:
    """A number in a label: ``%g`` where that is exact, all its digits where it is not."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
