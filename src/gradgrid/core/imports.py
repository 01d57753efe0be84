"""Which modules of the package a source file imports, read from its syntax tree."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from gradgrid.core.registry import PACKAGE, read_module


def imported_modules(path: Path, package: Path = PACKAGE) -> list[str]:
    """Full names of the package's modules that ``path`` imports when it runs, in the order of the source.

    Imports under ``if TYPE_CHECKING:`` do not run and are left out.
    """
    names = (name for node in _imports(read_module(path)) for name in _names(node, package))
    return [name for name in dict.fromkeys(names) if name.partition(".")[0] == package.name]


@cache
def _imports(module: ast.Module) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """The imports of a module that run."""
    return tuple(node for node in _running(module) if isinstance(node, ast.Import | ast.ImportFrom))


def module_path(name: str, package: Path = PACKAGE) -> Path:
    """The source file of a module of the package, such as ``gradgrid.train.trainer``."""
    path = package.parent.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _running(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but expressions, which hold no import, and those under ``if TYPE_CHECKING:``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.expr):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        yield from _running(node)


def _names(node: ast.Import | ast.ImportFrom, package: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif node.level == 0 and node.module:
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            yield inner if _is_module(inner, package) else node.module


def _is_module(name: str, package: Path) -> bool:
    return name.partition(".")[0] == package.name and module_path(name, package).is_file()
