"""Fingerprints: all that a run's numbers depend on, as one short text; while it holds, the run is kept.

It covers the run's settings, its data, and the source that trains it: the modules that the trainer imports,
as syntax trees without docstrings, with only the run's own entries of the registries. So a comment changes
nothing, an edited initializer changes its own runs, and an edited training loop changes all.
"""

import ast
import re
from collections.abc import Callable, Sequence, Set
from functools import cache, cached_property
from hashlib import blake2b
from pathlib import Path

from gradgrid.core.imports import imported_modules, module_path
from gradgrid.core.kernel import kernel_digest
from gradgrid.core.plan import Cell
from gradgrid.core.registry import PACKAGE, decorated, read_module
from gradgrid.core.remembered import remembered

TRAINER = "gradgrid.train.trainer"

_CARRIERS = (
    "canonical", "config", "datasets", "entries", "errors", "files", "fingerprints", "jobs", "plan", "registry",
    "tables",
)  # fmt: skip
CARRIERS = frozenset(f"gradgrid.core.{name}" for name in _CARRIERS)
"""Modules that compute no number of a run but carry its settings, which the fingerprint has by value."""


def source_digest(modules: Sequence[Path]) -> str:
    """Sixteen hexadecimal digits over the syntax trees of source files; order and place do not matter."""
    return digest(*sorted(f"{path.name}:{_whole(read_module(path))}" for path in modules))


def train_sources(trainer: str = TRAINER, package: Path = PACKAGE) -> tuple[Path, ...]:
    """The source files that training runs through: the trainer and what it imports, but for the carriers."""
    found: dict[str, Path] = {}
    waiting = [trainer]
    while waiting:
        name = waiting.pop()
        if name not in found and name not in CARRIERS:
            found[name] = module_path(name, package)
            waiting += imported_modules(found[name], package)
    return tuple(found[name] for name in sorted(found))


def code_digest(module: str, files: str = "", settings: str = "", package: Path = PACKAGE) -> str:
    """Digest of a module, the gradgrid modules that it imports, and the package's files of a pattern.

    Of registries it has the entries that the ``settings`` or one of the modules name.
    """
    what = digest("code", module, files, settings)
    return remembered(what, package, lambda: _code_digest(module, files, settings, package))


def _code_digest(module: str, files: str, settings: str, package: Path) -> str:
    paths = train_sources(module, package)
    texts = (path.read_text(encoding="utf-8") for path in sorted(package.glob(files))) if files else ()
    named = {*re.findall(r"\w+", settings)}.union(*(_named(read_module(path)) for path in paths))
    return digest(*sorted(f"{path.name}:{_with_entries(read_module(path), named)}" for path in paths), *texts)


def _with_entries(tree: ast.Module, named: Set[str]) -> str:
    """Digest of a module with only those entries that are named, directly or by others."""
    functions = {function.name: function for function in decorated(tree, "entry")}
    if not functions:
        return _whole(tree)
    kept = set().union(*(_reached(name, functions) for name in functions.keys() & named))
    return digest(_normal([_without_entries(tree), *(functions[name] for name in sorted(kept))]))


@cache
def _named(tree: ast.Module) -> frozenset[str]:
    """Every name and every text that stands in a module outside the entries of a registry."""
    nodes = list(ast.walk(_without_entries(tree)))
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    names = (getattr(node, field, None) for node in nodes for field in ("id", "attr", "name"))
    return frozenset({*texts, *(name for name in names if name)})


def function_digest(module: str, function: str, package: Path = PACKAGE) -> str:
    """Digest of what one function of a module uses: the functions it reaches there, and what the module imports."""
    what = digest("function", module, function)
    return remembered(what, package, lambda: _function_digest(module, function, package))


def _function_digest(module: str, function: str, package: Path) -> str:
    path = module_path(module, package)
    body = read_module(path).body
    functions = {node.name: node for node in body if isinstance(node, ast.FunctionDef)}
    around = [node for node in body if not isinstance(node, ast.FunctionDef)]
    names = (name.id for node in around for name in ast.walk(node) if isinstance(name, ast.Name))
    used = set.union(*(_reached(name, functions) for name in (function, *names)))
    own = ast.Module(body=[*around, *(functions[name] for name in sorted(used))], type_ignores=[])
    return digest(
        _normal(own), source_digest([other for other in train_sources(module, package) if other != path])
    )


class TrainingSource:
    """The source of training: digests of its modules, and of the registry entries that a run uses."""

    def __init__(self, trainer: str = TRAINER, package: Path = PACKAGE) -> None:
        self._trainer, self._package = trainer, package
        self._known: dict[str, str] = {}

    @cached_property
    def modules(self) -> dict[str, str]:
        """Digest of every module that training runs through, without the entries of registries."""
        return remembered(digest("modules", self._trainer), self._package, self._modules)

    def entries(self, cell: Cell, loss: str) -> dict[str, str]:
        """Digest of each entry that a run of ``cell`` with this loss uses, by name, such as ``initializers.lsuv``."""
        return {name: self._entry(name) for name in used_entries(cell, loss)}

    def _entry(self, name: str) -> str:
        if name not in self._known:
            self._known[name] = remembered(
                digest("entry", name), self._package, lambda: _entry_digest(name, self._package)
            )
        return self._known[name]

    def _modules(self) -> dict[str, str]:
        paths = train_sources(self._trainer, self._package)
        modules = {
            _name(path, self._package): digest(_normal(_without_entries(read_module(path)))) for path in paths
        }
        return modules | {"train.kernel": kernel_digest(self._package / "train" / "kernel")}


def _entry_digest(name: str, package: Path) -> str:
    """Digest of a registry's entry and of those of its module that it names."""
    registry, _, entry = name.partition(".")
    tree = read_module(package / "train" / f"{registry}.py")
    functions = {function.name: function for function in decorated(tree, "entry")}
    return digest(*(_normal(functions[f]) for f in sorted(_reached(entry, functions))))


def used_entries(cell: Cell, loss: str) -> list[str]:
    """The registry entries that a run of ``cell`` uses, as ``registry.entry``."""
    used = [
        ("activations", cell.activation),
        ("initializers", cell.initializer),
        ("optimizers", cell.optimizer),
    ]
    used += [("clipping", cell.clipping), ("normalization", cell.normalization)]
    return [f"losses.{loss}", *(f"{registry}.{entry.name}" for registry, entry in used if entry)]


def _name(path: Path, package: Path) -> str:
    """``train.trainer`` for the module gradgrid.train.trainer."""
    return ".".join(path.relative_to(package).with_suffix("").parts)


def _without_entries(tree: ast.Module) -> ast.Module:
    entries = decorated(tree, "entry")
    return ast.Module(body=[node for node in tree.body if node not in entries], type_ignores=[])


def _reached(name: str, functions: dict[str, ast.FunctionDef]) -> set[str]:
    """An entry and the entries of its module that it names, directly or through others."""
    reached, waiting = set(), [name]
    while waiting:
        current = waiting.pop()
        if current in functions and current not in reached:
            reached.add(current)
            named = (node.id for node in ast.walk(functions[current]) if isinstance(node, ast.Name))
            waiting += named
    return reached


def digest(*parts: str) -> str:
    """Sixteen hexadecimal digits over some texts."""
    return blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


@cache
def _whole(module: ast.Module) -> str:
    """Digest of a whole module."""
    return digest(_normal(module))


def _normal(node: object) -> str:
    """A syntax tree as text: the same in every version of Python, and without docstrings.

    Fields that are empty are left out, because later versions have more of them.
    """
    parts: list[str] = []
    _write(node, parts.append)
    return "".join(parts)


_SKIPPED = {"ctx", "kind", "type_comment", "type_ignores"}


def _write(node: object, put: Callable[[str], None]) -> None:
    """Half the time of planning would go into this, were it written with generators."""
    if isinstance(node, ast.AST):
        put(f"{type(node).__name__}(")
        separator = ""
        for name in node._fields:
            value = _statements(getattr(node, name, None))
            if name not in _SKIPPED and value not in (None, []):
                put(f"{separator}{name}=")
                separator = ","
                _write(value, put)
        put(")")
    elif isinstance(node, list):
        put("[")
        for number, item in enumerate(node):
            put("," if number else "")
            _write(item, put)
        put("]")
    else:
        put(f"{type(node).__name__}:{node!r}")


def _statements(value: object) -> object:
    """A list without the strings that stand alone as statements: docstrings, and notes on attributes."""
    return [item for item in value if not _is_note(item)] if type(value) is list else value


def _is_note(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)
