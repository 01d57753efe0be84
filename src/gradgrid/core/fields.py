"""Kinds of single values in config.yaml, as pydantic annotations.

Each validates a value, words what is wrong with it, and writes its JSON schema.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from gradgrid.core.registry import LARGEST, Range
from gradgrid.core.wording import among, not_a_number, shown

JsonSchema = dict[str, Any]
Found = tuple[tuple, str, object]
"""A problem: keys below the current place, what is wrong, the value."""


def problem(message: str) -> PydanticCustomError:
    """An error that pydantic reports at the place where the value stands."""
    return PydanticCustomError("gradgrid", message)


def problems(found: Iterable[Found]) -> ValidationError:
    """Several errors at once, each with its place."""
    details = [InitErrorDetails(type=problem(text), loc=keys, input=value) for keys, text, value in found]
    return ValidationError.from_exception_data("config", details)


def found_in(error: ValidationError) -> list[Found]:
    """The inverse of :func:`problems`."""
    return [(e["loc"], e["msg"], e["input"]) for e in error.errors(include_url=False)]


class Kind(ABC):
    """A value that :meth:`validate` checks and returns, or raises :func:`problem` or :func:`problems`."""

    @abstractmethod
    def validate(self, value: object) -> object:
        """The value as the configuration holds it."""

    @abstractmethod
    def json_schema(self) -> JsonSchema:
        """What an editor is told of it."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        return self.json_schema()


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number from ``low`` to ``high``, or one of the words (None: null) that may stand for it."""

    low: int
    high: int
    words: tuple[str | None, ...] = ()

    def validate(self, value: object) -> int | str | None:
        """The number or the word itself."""
        if (value is None or isinstance(value, str)) and value in self.words:
            return value
        words = "".join(f"{'null' if word is None else word}, " for word in self.words)
        allowed = f"{words}a whole number from {self.low} to {self.high:,}"
        if isinstance(value, bool) or not isinstance(value, int):
            raise problem(not_a_number(value, allowed, whole=True))
        if not self.low <= value <= self.high:
            raise problem(f"{shown(value)} is out of range; allowed: {allowed}")
        return value

    def json_schema(self) -> JsonSchema:
        """``integer`` with its bounds, and the words."""
        number: JsonSchema = {"type": "integer", "minimum": self.low, "maximum": self.high}
        return {"anyOf": [{"enum": list(self.words)}, number]} if self.words else number


@dataclass(frozen=True)
class Real(Kind):
    """A finite number within a range."""

    allowed: Range

    def validate(self, value: object) -> float:
        """The number as a float."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise problem(not_a_number(value, self.allowed.words))
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise problem(f"{shown(value)} is not finite; allowed: {self.allowed.words}")
        if abs(number) > LARGEST:
            raise problem(f"{shown(value)} is beyond single precision, which ends at ±{LARGEST:.2g}")
        if not self.allowed.holds(number):
            raise problem(f"{shown(value)} is out of range; allowed: {self.allowed.words}")
        return number + 0.0  # turns -0.0 into 0.0, so that equal levels have equal labels

    def json_schema(self) -> JsonSchema:
        """``number`` with its bounds."""
        schema: JsonSchema = {"type": "number"}
        if math.isfinite(self.allowed.low):
            schema["exclusiveMinimum" if self.allowed.above_low else "minimum"] = self.allowed.low
        if math.isfinite(self.allowed.high):
            schema["exclusiveMaximum" if self.allowed.below_high else "maximum"] = self.allowed.high
        return schema


@dataclass(frozen=True)
class OneOf(Kind):
    """One of a few names, which a function gives when asked; ``what`` is the noun with its article.

    ``refused`` are pairs of a name that one may expect among them, and why it is not.
    """

    what: str
    names: Callable[[], Iterable[str | None]]
    refused: tuple[tuple[str, str], ...] = ()

    def validate(self, value: object) -> str | None:
        """The name itself."""
        names = list(self.names())
        for name, why in self.refused:
            if value == name:
                raise problem(f"{shown(value)} {why}; allowed: {', '.join(map(str, names))}")
        if not (value is None or isinstance(value, str)) or value not in names:
            raise problem(among(value, self.what, ["null" if name is None else name for name in names]))
        return value

    def json_schema(self) -> JsonSchema:
        """An enumeration."""
        return {"enum": list(self.names())}


@dataclass(frozen=True)
class Truth(Kind):
    """true or false."""

    def validate(self, value: object) -> bool:
        """The truth value itself."""
        if isinstance(value, bool):
            return value
        raise problem(f"{shown(value)} is not a truth value; allowed: true, false (without quotes)")

    def json_schema(self) -> JsonSchema:
        """``boolean``."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class OptionalText(Kind):
    """Text that is not empty, or null."""

    what: str

    def validate(self, value: object) -> str | None:
        """The text itself."""
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        raise problem(f"{shown(value)} is not {self.what}; allowed: {self.what} as text (in quotes), or null")

    def json_schema(self) -> JsonSchema:
        """A string that is not empty, or null."""
        return {"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}]}
