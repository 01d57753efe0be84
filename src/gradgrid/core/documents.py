"""YAML files read with the line of every key and list item, so that a problem can say where it stands."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from gradgrid.core.errors import ConfigError
from gradgrid.core.wording import shown

Keys = tuple[Hashable, ...]
"""Where a value stands: keys of mappings and indices of lists, from the top."""

ABSENT = object()
"""What :func:`value_at` returns where there is nothing."""

_PLAIN = ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")
_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in _PLAIN}
_MOST_VALUES = 1_000_000
_MERGE = "tag:yaml.org,2002:merge"


@dataclass
class _Place:
    """The line of a value (counted from 1) and the places of its items."""

    line: int
    items: dict[Hashable, "_Place"] = field(default_factory=dict)


@dataclass(frozen=True)
class Document:
    """One YAML file: its plain value, the lines in it, and what YAML would have passed over in silence.

    ``problems`` are (line, text): keys given twice, tags, numbers that do not mean what they look like.
    """

    name: str
    value: object
    problems: tuple[tuple[int, str], ...]
    top: _Place

    def line(self, keys: Keys) -> int | None:
        """Line of the key or list item at ``keys``, or None if the file has none."""
        place = self.top
        for key in keys:
            if key not in place.items:
                return None
            place = place.items[key]
        return place.line


def read(path: Path) -> Document:
    """Read a YAML file; raises ConfigError with its line where it is not valid YAML."""
    name = display_name(path)
    text = _text(path, name)
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        reader = _Reader(loader)
        value, top = reader.convert(node) if node else (None, _Place(1))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            [f"{name}:{line}: not valid YAML: the control character #x{error.character:02x}"]
        ) from None
    except yaml.MarkedYAMLError as error:
        raise ConfigError([_syntax(name, error)]) from None
    except RecursionError:
        raise ConfigError([f"{name}: nested too deeply to be a configuration"]) from None
    if node and reader.size(node) > _MOST_VALUES:
        raise ConfigError([f"{name}: unfolds into more than {_MOST_VALUES:,} values; use fewer anchors"])
    return Document(name, value, tuple(reader.problems), top)


def display_name(path: Path) -> str:
    """The path relative to the current folder where it lies within, else as given."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def value_at(value: object, keys: Keys) -> object:
    """The part of a value at ``keys``, or ABSENT."""
    for key in keys:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return value


def _text(path: Path, name: str) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        advice = "run from the folder that holds it, or name the file"
        raise ConfigError([f"{name}: there is no such file; {advice}"]) from None
    except (OSError, ValueError) as error:
        raise ConfigError([f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}"]) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            [f"{name}:{line}: byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"]
        ) from None


def _syntax(name: str, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    what = error.problem or "it cannot be read"
    if "'\\t'" in what:
        what = "a tab; indent with spaces"
    elif error.context and error.context_mark and error.context_mark.line != mark.line:
        what += f" ({error.context}, which began in line {error.context_mark.line + 1})"
    return f"{name}:{mark.line + 1 if mark else 1}: not valid YAML: {what}"


class _Reader:
    """Turns YAML nodes into plain values and places, and collects what deserves a word."""

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self.problems: list[tuple[int, str]] = []
        self._loader = loader
        self._done: dict[int, tuple[object, _Place]] = {}  # an alias is the node of its anchor
        self._sizes: dict[int, int] = {}
        self._open: set[int] = set()

    def convert(self, node: yaml.Node) -> tuple[object, _Place]:
        """The plain value of a node and its place."""
        key = id(node)
        if key in self._open:
            self._report(node, "an anchor that contains itself")
            return None, _Place(_line(node))
        if key not in self._done:
            self._open.add(key)
            self._done[key] = self._converted(node)
            self._open.remove(key)
            self._sizes[key] = 1 + sum(self._sizes.get(id(child), 1) for child in _children(node))
        return self._done[key]

    def size(self, node: yaml.Node) -> int:
        """Values in a converted node, those of an alias counted wherever it stands."""
        return self._sizes[id(node)]

    def _converted(self, node: yaml.Node) -> tuple[object, _Place]:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node), _Place(_line(node))
        if node.tag not in _PLAIN_TAGS:
            self._report(node, f"the tag {node.tag} has no meaning here")
        return self._sequence(node) if isinstance(node, yaml.SequenceNode) else self._mapping(node)

    def _scalar(self, node: yaml.ScalarNode) -> object:
        if node.tag not in _PLAIN_TAGS:
            self._report(node, f"{shown(node.value)} cannot be read: the tag {node.tag} has no meaning here")
            return node.value
        try:
            value = self._loader.construct_object(node)
        except (
            ValueError,
            LookupError,
            AttributeError,
            TypeError,
            yaml.YAMLError,
        ):  # PyYAML is careless with tags
            self._report(node, f"{shown(node.value)} cannot be read as {node.tag.rpartition(':')[2]}")
            return node.value
        self._warn_of_bases(node, value)
        return value

    def _warn_of_bases(self, node: yaml.ScalarNode, value: object) -> None:
        digits = node.value.lstrip("+-")
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        if numeric and ":" in digits:
            self._report(
                node, f"YAML reads {node.value} as {value}, a number of base 60; write the number meant"
            )
        elif (
            isinstance(value, int)
            and numeric
            and len(digits) > 1
            and digits[0] == "0"
            and digits[1].isdigit()
        ):
            self._report(
                node, f"YAML reads {node.value} as {value}, an octal number; write it without the zero"
            )

    def _sequence(self, node: yaml.SequenceNode) -> tuple[list, _Place]:
        items = [self.convert(item) for item in node.value]
        lines = {
            index: _Place(_line(node.value[index]), place.items) for index, (_, place) in enumerate(items)
        }
        return [value for value, _ in items], _Place(_line(node), lines)

    def _mapping(self, node: yaml.MappingNode) -> tuple[dict, _Place]:
        values, place = {}, _Place(_line(node))
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                continue
            key = self._key(key_node)
            if key in values:
                first = place.items[key].line
                self._report(
                    key_node, f"{shown(key)} is given twice, first in line {first}; keep one of them"
                )
            value, inside = self.convert(value_node)
            values[key], place.items[key] = value, _Place(_line(key_node), inside.items)
        for merged_values, merged_place in self._merged(node):
            values = {**merged_values, **values}
            place.items = {**merged_place.items, **place.items}
        return values, place

    def _key(self, node: yaml.Node) -> Hashable:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self._report(node, "a key must be a single word, not a list or a mapping")
        return str(node.start_mark)

    def _merged(self, node: yaml.MappingNode) -> Iterator[tuple[dict, _Place]]:
        """Mappings that ``<<`` brings in, the ones that win first."""
        sources = (value for key, value in node.value if key.tag == _MERGE)
        for source in sources:
            for part in source.value if isinstance(source, yaml.SequenceNode) else [source]:
                value, place = self.convert(part)
                if isinstance(value, dict):
                    yield value, place
                else:
                    self._report(part, "<< takes a mapping or a list of mappings")

    def _report(self, node: yaml.Node, text: str) -> None:
        self.problems.append((_line(node), text))


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1
