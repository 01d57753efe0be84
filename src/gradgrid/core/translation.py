"""From pydantic's errors to the lines that the user reads: ``config.yaml:LINE key: what is wrong``."""

from collections.abc import Iterable
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from gradgrid.core.documents import Keys
from gradgrid.core.fields import Found
from gradgrid.core.sources import Sources
from gradgrid.core.wording import bare, nearest, shown

Section = type[BaseModel]


def found_by(error: ValidationError, top: Section) -> list[Found]:
    """Pydantic's errors in GradGrid's words; ``top`` is the class of the whole configuration."""
    return [_found(e, top) for e in error.errors(include_url=False)]


def lines(found: Iterable[Found], sources: Sources) -> list[str]:
    """The problems and those that YAML passed over, with their places, in the order of files and lines."""
    placed = [_placed(keys, text, sources) for keys, text, _ in found]
    return [text for *_, text in sorted([*placed, *sources.silent_problems()], key=lambda p: p[:2])]


def _placed(keys: Keys, text: str, sources: Sources) -> tuple[int, int, str]:
    rank, line, place = sources.place(keys)
    name = ".".join(bare(key) for key in keys if isinstance(key, str))
    return rank, line, f"{place} {name}: {text}" if name else f"{place}: {text}"


def _found(error: dict, top: Section) -> Found:
    keys, given = error["loc"], error["input"]
    match error["type"]:
        case "extra_forbidden":
            return keys, _unknown_key(keys, top), given
        case "invalid_key":  # pydantic gives the key itself as the input
            return (*keys[:-1], given), _not_a_key(given, _section(keys[:-1], top)), given
        case "missing":
            return keys, _missing(keys, top), given
        case "model_type":
            return keys, f"{shown(given)} is not a mapping; {_keys_of(_section(keys, top))}", given
    return keys, error["msg"], given


def _unknown_key(keys: Keys, top: Section) -> str:
    section = _section(keys[:-1], top)
    near = nearest(keys[-1], section.model_fields) or _elsewhere(keys[-1], top)
    meant = f"; did you mean {near}?" if near else ""
    return f"unknown key; {_keys_of(section)}{meant}"


def _elsewhere(key: str, top: Section) -> str | None:
    """The full name of a key of some section that is near ``key``."""
    full = {}
    for name, field in top.model_fields.items():
        if section := _class(field):
            full |= {inner: f"{name}.{inner}" for inner in section.model_fields}
    return full.get(nearest(key, full, cutoff=0.8))


def _not_a_key(key: object, section: Section) -> str:
    why = " (YAML reads on, off, yes and no as truth values)" if isinstance(key, bool) else ""
    return f"{shown(key)} is not a key{why}; {_keys_of(section)}"


def _keys_of(section: Section) -> str:
    return f"allowed: {', '.join(section.model_fields)}"


def _missing(keys: Keys, top: Section) -> str:
    field = _section(keys[:-1], top).model_fields[keys[-1]]
    example = f"; write for example {keys[-1]}: {shown(field.examples[0])}" if field.examples else ""
    return f"missing: {field.description}{example}"


def _section(keys: Keys, top: Section) -> Section:
    for key in keys:
        top = _class(top.model_fields[key])
    return top


def _class(field: FieldInfo) -> Section | None:
    """The section that a field holds, or may hold beside null."""
    kinds = (field.annotation, *get_args(field.annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
