"""Lists of levels in config.yaml: not empty, without duplicates; one value alone stands for a list of one."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from gradgrid.core.entries import Entry
from gradgrid.core.fields import Found, JsonSchema, Whole, found_in, problem, problems
from gradgrid.core.wording import among, shown

Check = Callable[[list], tuple]
"""Validates the items of a list."""


@dataclass(frozen=True)
class Levels:
    """A tuple of levels; ``what`` is what one level is."""

    what: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        item = handler.generate_schema(self.item_type(source))
        listed = core_schema.tuple_schema([item], variadic_item_index=0, strict=False)
        as_they_are = core_schema.plain_serializer_function_ser_schema(_as_written)
        return core_schema.no_info_wrap_validator_function(self.validate, listed, serialization=as_they_are)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        listed = {**handler(schema), "minItems": 1, "uniqueItems": True}
        return {"anyOf": [*self.alone(listed["items"]), listed]}

    def item_type(self, source: object) -> object:
        """The type of one level, from the annotated type."""
        return get_args(source)[0]

    def alone(self, item: JsonSchema) -> list[JsonSchema]:
        """JSON schemas of what may stand instead of a list."""
        return [item]

    def validate(self, value: object, check: Check) -> tuple | str:
        """The levels, or the problems of all of them at once."""
        if not isinstance(value, list | tuple):
            return _alone(value, check)
        if not value:
            raise problem(f"the list is empty; allowed: at least one {self.what}")
        return _all(value, check)


@dataclass(frozen=True)
class Seeds(Levels):
    """A list of seeds, or their number: 5 stands for 0, 1, 2, 3, 4."""

    most: int

    def alone(self, item: JsonSchema) -> list[JsonSchema]:
        """A count."""
        return [self._count.json_schema()]

    def validate(self, value: object, check: Check) -> tuple[int, ...]:
        """The seeds themselves."""
        if isinstance(value, list | tuple):
            return super().validate(value, check)
        return tuple(range(self._count.validate(value)))

    @property
    def _count(self) -> Whole:
        return Whole(1, self.most)


@dataclass(frozen=True)
class StepsOrAuto(Levels):
    """``auto``, or a list of steps."""

    def item_type(self, source: object) -> object:
        """The type of one step; the source is ``Literal["auto"] | tuple[step, …]``."""
        _, listed = get_args(source)
        return get_args(listed)[0]

    def alone(self, item: JsonSchema) -> list[JsonSchema]:
        """``auto`` or one step."""
        return [{"const": "auto"}, item]

    def validate(self, value: object, check: Check) -> tuple[int, ...] | str:
        """``auto`` or the steps."""
        if value == "auto":
            return value
        if isinstance(value, str) and value.isalpha():
            raise problem(among(value, "a list of steps", ["auto", "a list of steps"]))
        return super().validate(value, check)


def _as_written(levels: tuple | str) -> list | str:
    """Levels as config.yaml may hold them."""
    if isinstance(levels, str):
        return levels
    return [level.as_written() if isinstance(level, Entry) else level for level in levels]


def _alone(value: object, check: Check) -> tuple:
    try:
        return check([value])
    except ValidationError as error:
        found = [(keys[1:], text, given) for keys, text, given in found_in(error)]
    raise problems(found)


def _all(values: Sequence, check: Check) -> tuple:
    found: list[Found] = []
    good: dict[int, object] = {}
    for index, value in enumerate(values):
        try:
            (good[index],) = check([value])
        except ValidationError as error:
            found += [((index, *keys[1:]), text, given) for keys, text, given in found_in(error)]
    found += _repeated(good, values)
    if found:
        raise problems(found)
    return tuple(good.values())


def _repeated(levels: dict[int, object], written: Sequence) -> Iterator[Found]:
    first: dict[object, int] = {}
    for index, level in levels.items():
        if level not in first:
            first[level] = index
            continue
        same, before = shown(written[index]), shown(written[first[level]])
        text = f"{same} is listed twice" if same == before else f"{same} is the same level as {before}"
        yield (index,), f"{text}; a level may stand only once", written[index]
