"""Where the values of a merged configuration came from: files, later ones winning, and the command line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from gradgrid.core.documents import ABSENT, Document, Keys, read, value_at
from gradgrid.core.errors import ConfigError

COMMAND_LINE = "--config"
"""The place of a value that no file holds."""

_READ_AS_YAML = {f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null")}
_DEEPEST = 5
"""Mappings below this depth mean nothing in a configuration, and are not searched for text."""


class Sources:
    """The files of a configuration, and the values that they and the command line make together."""

    def __init__(self, documents: Sequence[Document], values: Mapping) -> None:
        self.documents = tuple(documents)
        self.values = self._with_text_read(values, ())

    def place(self, keys: Keys) -> tuple[int, int, str]:
        """(rank of the file, line, ``file:line``) of the value at ``keys``, or of what should hold it.

        It is the last file that gives this value; a value that no file gives came from the command line.
        """
        value = value_at(self.values, keys)
        if value is ABSENT and keys:
            return self.place(keys[:-1])
        ranked = list(enumerate(self.documents))
        for rank, document in reversed(ranked) if keys else ranked:
            line = document.line(keys)
            if line is not None and _may_come_from(document, keys, value):
                return rank, line, f"{document.name}:{line}"
        return len(self.documents), 0, COMMAND_LINE

    def silent_problems(self) -> Iterator[tuple[int, int, str]]:
        """What YAML passed over in silence in the files: (rank of the file, line, problem)."""
        for rank, document in enumerate(self.documents):
            for line, text in document.problems:
                yield rank, line, f"{document.name}:{line}: {text}"

    def _with_text_read(self, value: object, keys: Keys) -> object:
        """``value`` with the text that the command line left in it read as YAML reads it.

        Nested values of the command line arrive as text: ``training={epochs: 2}`` as ``{"epochs": "2"}``.
        """
        if isinstance(value, Mapping) and len(keys) < _DEEPEST:
            return {key: self._with_text_read(item, (*keys, key)) for key, item in value.items()}
        if any(_same(value_at(document.value, keys), value) for document in self.documents):
            return value
        return _text_read(value)


def read_all(paths: Iterable[Path]) -> tuple[Document, ...]:
    """Read every file; raises ConfigError with the problems of all that cannot be read or hold no mapping."""
    documents, problems = [], []
    for path in paths:
        try:
            documents.append(_with_keys(read(path)))
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(problems)
    return tuple(documents)


def merged(base: object, over: object) -> object:
    """``over`` laid over ``base``: mappings are merged key by key, anything else replaces what was there."""
    if not isinstance(over, Mapping):
        return over
    result = dict(base) if isinstance(base, Mapping) else {}
    for key, value in over.items():
        result[key] = merged(result.get(key), value)
    return result


def _with_keys(document: Document) -> Document:
    if isinstance(document.value, dict) and document.value:
        return document
    what = "is empty" if not document.value else f"holds a {type(document.value).__name__}"
    raise ConfigError(
        [f"{document.name}:1: the file {what}; wanted are the keys seeds, factors, …: see config.yaml"]
    )


def _may_come_from(document: Document, keys: Keys, value: object) -> bool:
    held = value_at(document.value, keys)
    return _same(held, value) or (isinstance(held, Mapping) and isinstance(value, Mapping))


def _same(one: object, other: object) -> bool:
    return type(one) is type(other) and (one == other or one != one)


def _text_read(value: object) -> object:
    if isinstance(value, str):
        return _scalar_read(value)
    if isinstance(value, list | tuple):
        return [_text_read(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _text_read(item) for key, item in value.items()}
    return value


def _scalar_read(text: str) -> object:
    loader = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))
    if tag not in _READ_AS_YAML:
        return text
    try:
        return loader.construct_object(yaml.ScalarNode(tag, text))
    except ValueError:  # more digits than Python converts
        return text
