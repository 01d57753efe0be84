"""The kind of value that names a registry entry: ``name`` or ``{name: {parameter: value}}``."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic_core import PydanticCustomError

from gradgrid.core.entries import Entry
from gradgrid.core.fields import Found, JsonSchema, Kind, Real, problem, problems
from gradgrid.core.registry import LARGEST, EntrySpec, entries
from gradgrid.core.wording import among, did_you_mean, shown

_NOTHING_AS_TEXT = ("none", "null", "off", "no", "")


@dataclass(frozen=True)
class EntryOf(Kind):
    """An entry of a registry: ``name`` or ``{name: {parameter: value}}``.

    ``{name: value}`` gives the only required parameter. ``nothing`` is what null means, where it is allowed.
    """

    registry: str
    what: str
    nothing: str | None = None

    def validate(self, value: object) -> Entry | None:
        """The entry without the parameters that equal their defaults."""
        if value is None and self.nothing:
            return None
        name, given = self._split(value)
        specs = entries(self.registry)
        if name not in specs:
            raise problem(self._unknown(name))
        return _entry(specs[name], _keywords(specs[name], given))

    def _split(self, value: object) -> tuple[str, object]:
        if isinstance(value, str):
            return value, {}
        if not isinstance(value, Mapping) or not value:
            raise problem(self._unknown(value))
        if len(value) > 1:
            raise problem(
                f"{shown(value)} has {len(value)} keys; allowed: one name with its parameters a level"
            )
        name, given = next(iter(value.items()))
        if not isinstance(name, str):
            raise problem(self._unknown(name))
        return name, given

    def _unknown(self, name: object) -> str:
        if self.nothing and (name is False or (isinstance(name, str) and name.lower() in _NOTHING_AS_TEXT)):
            how = "a truth value in YAML (so are off and no)" if name is False else "text in YAML"
            return f"{shown(name)} is {how}; write null for {self.nothing}"
        return among(name, self.what, [*(["null"] if self.nothing else []), *entries(self.registry)])

    def json_schema(self) -> JsonSchema:
        """A plain name, or a mapping of one name to its parameters."""
        specs = entries(self.registry)
        plain = {name: spec.summary for name, spec in specs.items() if not spec.required}
        options: list[JsonSchema] = [{"type": "null", "description": self.nothing}] if self.nothing else []
        options += [{"enum": list(plain), "enumDescriptions": list(plain.values())}] if plain else []
        detailed = {name: _parameters_schema(spec) for name, spec in specs.items()}
        only_one = {"additionalProperties": False, "minProperties": 1, "maxProperties": 1}
        return {"anyOf": [*options, {"type": "object", "properties": detailed, **only_one}]}


def _keywords(spec: EntrySpec, given: object) -> Mapping:
    """The given parameters by name."""
    if isinstance(given, Mapping):
        return given
    if len(spec.required) == 1 and given is not None:
        return {spec.required[0]: given}
    raise problems([((spec.name,), _names_wanted(spec, given), given)])


def _entry(spec: EntrySpec, given: Mapping) -> Entry:
    found: list[Found] = []
    values = {}
    for key, value in given.items():
        try:
            values[key] = _parameter(spec, key, value)
        except PydanticCustomError as error:
            found.append(((spec.name, str(key)), error.message(), value))
    if missing := [name for name in spec.required if name not in given]:
        found.append(((), f"{spec.name} needs {' and '.join(missing)}; write {_example(spec)}", given))
    if found:
        raise problems(found)
    _check_interval(spec, values)
    return Entry.of(spec.name, {k: v for k, v in values.items() if v != spec.parameters[k].default})


def _check_interval(spec: EntrySpec, given: Mapping) -> None:
    """Parameters called low and high are the ends of an interval."""
    values = {name: parameter.default for name, parameter in spec.parameters.items()} | given
    if not {"low", "high"} <= values.keys():
        return
    ends = f"low {values['low']:g}", f"high {values['high']:g}"
    if values["low"] >= values["high"]:
        raise problems([((spec.name,), " is not below ".join(ends), given)])
    if values["high"] - values["low"] > LARGEST:
        text = f"{' and '.join(ends)} are too far apart; allowed: at most {LARGEST:.2g}"
        raise problems([((spec.name,), text, given)])


def _parameter(spec: EntrySpec, key: object, value: object) -> float:
    if key in spec.parameters:
        return Real(spec.parameters[key].allowed).validate(value)
    if not spec.parameters:
        raise problem(f"unknown parameter; {spec.name} takes none")
    allowed = f"allowed: {', '.join(spec.parameters)}{did_you_mean(key, spec.parameters)}"
    raise problem(f"unknown parameter of {spec.name}; {allowed}")


def _names_wanted(spec: EntrySpec, given: object) -> str:
    if not spec.parameters:
        return f"{shown(given)} is given, but {spec.name} takes no parameters; write {spec.name} alone"
    return f"{shown(given)} names no parameter; write {_example(spec)}"


def _example(spec: EntrySpec) -> str:
    """How the entry is written with its parameters, their defaults as examples."""
    if len(spec.required) == 1:
        return f"{{{spec.name}: 1.0}}"
    inside = ", ".join(f"{name}: {1.0 if p.required else p.default}" for name, p in spec.parameters.items())
    return f"{{{spec.name}: {{{inside}}}}}"


def _parameters_schema(spec: EntrySpec) -> JsonSchema:
    properties = {}
    for name, parameter in spec.parameters.items():
        default = {} if parameter.required else {"default": parameter.default}
        properties[name] = Real(parameter.allowed).json_schema() | default
    schema: JsonSchema = {"type": "object", "properties": properties, "additionalProperties": False}
    if spec.required:
        schema["required"] = list(spec.required)
    if len(spec.required) == 1:
        schema = {"anyOf": [properties[spec.required[0]], schema]}
    return {"description": spec.summary, **schema}
