"""Kinds of values in config.yaml, as pydantic annotations.

Each validates a value, words what is wrong with it, and writes its JSON schema.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from gradgrid.core.entries import Entry, clipping_label
from gradgrid.core.registry import EntrySpec, ParameterSpec, Range, entries
from gradgrid.core.wording import among, did_you_mean, not_a_number, shown

JsonSchema = dict[str, Any]


def problem(message: str) -> PydanticCustomError:
    """An error that pydantic reports at the place where the value stands."""
    return PydanticCustomError("gradgrid", message)


def problems(found: Iterable[tuple[tuple, str, object]]) -> ValidationError:
    """Several errors at once, each (keys below this place, message, value)."""
    details = [InitErrorDetails(type=problem(text), loc=keys, input=value) for keys, text, value in found]
    return ValidationError.from_exception_data("config", details)


class _Kind:
    """A value checked by :meth:`validate` alone."""

    def validate(self, value: object) -> object:
        raise NotImplementedError

    def json_schema(self) -> JsonSchema:
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        return self.json_schema()


@dataclass(frozen=True)
class Whole(_Kind):
    """A whole number from ``low`` to ``high``."""

    low: int
    high: int

    def validate(self, value: object) -> int:
        """The number itself; raises with what is allowed."""
        allowed = f"a whole number from {self.low} to {self.high:,}"
        if isinstance(value, bool) or not isinstance(value, int):
            raise problem(not_a_number(value, "a whole number", allowed))
        if not self.low <= value <= self.high:
            raise problem(f"{shown(value)} is out of range; allowed: {allowed}")
        return value

    def json_schema(self) -> JsonSchema:
        """``integer`` with its bounds."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class Real(_Kind):
    """A finite number within a range."""

    allowed: Range

    def validate(self, value: object) -> float:
        """The number as a float; raises with what is allowed."""
        return _real(value, self.allowed)

    def json_schema(self) -> JsonSchema:
        """``number`` with its bounds."""
        return _number_schema(self.allowed)


def _real(value: object, allowed: Range) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise problem(not_a_number(value, "a number", allowed.words))
    try:
        number = float(value)
    except OverflowError:
        raise problem(f"{shown(value)} is too large; allowed: {allowed.words}") from None
    if not allowed.holds(number):
        raise problem(f"{shown(value)} is out of range; allowed: {allowed.words}")
    return number + 0.0  # turns -0.0 into 0.0, so that equal levels have equal labels


def _number_schema(allowed: Range) -> JsonSchema:
    schema: JsonSchema = {"type": "number"}
    if allowed.low != float("-inf"):
        schema["exclusiveMinimum" if allowed.above_low else "minimum"] = allowed.low
    if allowed.high != float("inf"):
        schema["maximum"] = allowed.high
    return schema


@dataclass(frozen=True)
class OneOf(_Kind):
    """One of a few names, which a function gives when asked; ``what`` is the noun with its article."""

    what: str
    names: Callable[[], Iterable[str | None]]

    def validate(self, value: object) -> str | None:
        """The name itself; raises with the allowed names."""
        names = list(self.names())
        if not (value is None or isinstance(value, str)) or value not in names:
            raise problem(among(value, self.what, ["null" if name is None else name for name in names]))
        return value

    def json_schema(self) -> JsonSchema:
        """An enumeration."""
        return {"enum": list(self.names())}


@dataclass(frozen=True)
class OptionalText(_Kind):
    """Text that is not empty, or null."""

    what: str

    def validate(self, value: object) -> str | None:
        """The text itself; raises if it is neither text nor null."""
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        raise problem(f"{shown(value)} is not {self.what}; allowed: {self.what} as text (in quotes), or null")

    def json_schema(self) -> JsonSchema:
        """A string that is not empty, or null."""
        return {"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}]}


@dataclass(frozen=True)
class EntryOf(_Kind):
    """An entry of a registry: ``name`` or ``{name: {parameter: value}}``.

    ``{name: value}`` gives the only required parameter. ``nothing`` is what null means, where it is allowed.
    """

    registry: str
    what: str
    nothing: str | None = None

    @property
    def specs(self) -> dict[str, EntrySpec]:
        """The registry's entries."""
        return entries(self.registry)

    def validate(self, value: object) -> Entry | None:
        """The entry without the parameters that equal their defaults; raises all of its problems."""
        if value is None and self.nothing:
            return None
        name, given = self._split(value)
        if name not in self.specs:
            raise problem(self._unknown(name))
        spec = self.specs[name]
        return _entry(spec, self._keywords(spec, given))

    def _split(self, value: object) -> tuple[str, object]:
        if isinstance(value, str):
            return value, {}
        if isinstance(value, Mapping) and len(value) == 1:
            name, given = next(iter(value.items()))
            if isinstance(name, str):
                return name, given
        if isinstance(value, Mapping) and len(value) > 1:
            raise problem(
                f"{shown(value)} names {len(value)} things; allowed: one name with its parameters a level"
            )
        raise problem(self._unknown(value))

    def _unknown(self, name: object) -> str:
        if self.nothing and (name is False or str(name).lower() in ("none", "null", "off", "no", "")):
            how = "false in YAML (as are no and off)" if name is False else "text in YAML"
            return f"{shown(name)} is {how}; write null for {self.nothing}"
        names = [*(["null"] if self.nothing else []), *self.specs]
        return among(name, self.what, names)

    def _keywords(self, spec: EntrySpec, given: object) -> Mapping:
        if isinstance(given, Mapping):
            return given
        if len(spec.required) == 1 and given is not None:
            return {spec.required[0]: given}
        raise problems([((spec.name,), _parameters_wanted(spec, given), given)])

    def json_schema(self) -> JsonSchema:
        """A plain name, or a mapping of one name to its parameters."""
        plain = [name for name, spec in self.specs.items() if not spec.required]
        options: list[JsonSchema] = [{"type": "null"}] if self.nothing else []
        options += [{"enum": plain}] if plain else []
        detailed = {name: _parameters_schema(spec) for name, spec in self.specs.items()}
        only_one = {"additionalProperties": False, "minProperties": 1, "maxProperties": 1}
        return {"anyOf": [*options, {"type": "object", "properties": detailed, **only_one}]}


def _entry(spec: EntrySpec, given: Mapping) -> Entry:
    found, values = [], {}
    for key, value in given.items():
        try:
            values[key] = _real(value, _known_parameter(spec, key).allowed)
        except PydanticCustomError as error:
            found.append(((spec.name, str(key)), error.message(), value))
    missing = [name for name in spec.required if name not in given]
    if missing:
        found.append(((), f"{spec.name} needs {' and '.join(missing)}: write {_example(spec)}", given))
    if found:
        raise problems(found)
    changed = {key: value for key, value in values.items() if value != spec.parameters[key].default}
    return Entry.of(spec.name, changed)


def _known_parameter(spec: EntrySpec, key: object) -> ParameterSpec:
    if key in spec.parameters:
        return spec.parameters[key]
    if not spec.parameters:
        raise problem(f"unknown parameter; {spec.name} takes none")
    allowed = f"allowed: {', '.join(spec.parameters)}{did_you_mean(key, spec.parameters)}"
    raise problem(f"unknown parameter of {spec.name}; {allowed}")


def _parameters_wanted(spec: EntrySpec, given: object) -> str:
    if not spec.parameters:
        return f"{shown(given)} is given, but {spec.name} takes no parameters; write {spec.name} alone"
    return f"{shown(given)} does not say which parameter it is; write {_example(spec)}"


def _example(spec: EntrySpec) -> str:
    """How the entry is written with its parameters, as an example of the syntax."""
    if len(spec.parameters) == 1 and spec.required:
        return f"{{{spec.name}: 1.0}}"
    inside = ", ".join(f"{name}: {shown(p.default or 1.0)}" for name, p in spec.parameters.items())
    return f"{{{spec.name}: {{{inside}}}}}"


def _parameters_schema(spec: EntrySpec) -> JsonSchema:
    properties = {}
    for name, parameter in spec.parameters.items():
        default = {} if parameter.required else {"default": parameter.default}
        properties[name] = _number_schema(parameter.allowed) | default
    schema: JsonSchema = {"type": "object", "properties": properties, "additionalProperties": False}
    if spec.required:
        schema["required"] = list(spec.required)
    if len(spec.required) == 1:
        schema = {"anyOf": [_number_schema(spec.parameters[spec.required[0]].allowed), schema]}
    return {"description": spec.summary, **schema} if spec.summary else schema


@dataclass(frozen=True)
class Levels:
    """A list of values without duplicates, not empty; one value alone stands for a list of one."""

    what: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        item = handler.generate_schema(get_args(source)[0])
        listed = core_schema.tuple_schema([item], variadic_item_index=0, strict=False)
        return core_schema.no_info_wrap_validator_function(self.validate, listed)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        listed = handler(schema)
        return {"anyOf": [listed["items"], {**listed, "minItems": 1, "uniqueItems": True}]}

    def validate(self, value: object, check: Callable[[list], tuple]) -> tuple:
        """The values as a tuple; raises the problems of all of them at once."""
        if not isinstance(value, list | tuple):
            return self._one(value, check)
        if not value:
            raise problem(f"the list is empty; allowed: at least one {self.what}")
        try:
            return self._distinct(list(enumerate(check(list(value)))))
        except ValidationError as error:
            found = [(e["loc"], e["msg"], e["input"]) for e in error.errors(include_url=False)]
        bad = {loc[0] for loc, *_ in found}
        good = [(i, check([item])[0]) for i, item in enumerate(value) if i not in bad]
        raise problems(sorted([*found, *_repeated(good)], key=lambda p: p[0][:1]))

    def _one(self, value: object, check: Callable[[list], tuple]) -> tuple:
        try:
            return check([value])
        except ValidationError as error:
            found = [(e["loc"][1:], e["msg"], e["input"]) for e in error.errors(include_url=False)]
        raise problems(found)

    def _distinct(self, levels: list[tuple[int, object]]) -> tuple:
        if repeated := _repeated(levels):
            raise problems(repeated)
        return tuple(level for _, level in levels)


def _repeated(levels: list[tuple[int, object]]) -> list[tuple[tuple, str, object]]:
    seen, found = set(), []
    for index, level in levels:
        if level in seen:
            found.append(
                ((index,), f"{_level_label(level)} is listed twice; a level may stand only once", level)
            )
        seen.add(level)
    return found


def _level_label(level: object) -> str:
    if level is None:
        return "null"
    return clipping_label(level) if isinstance(level, Entry) else shown(level)
