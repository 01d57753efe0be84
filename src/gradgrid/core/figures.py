"""Which figures there are, read from the source text of ``gradgrid.figures`` without importing it.

Every top-level function of that package's modules, in folders below it too, that is marked ``@figure(…)`` draws
one figure::

    @figure(table="cells", order=40, chapter="Accuracy")
    def final_accuracy(tables: Tables) -> Drawing:
        \"\"\"Final validation accuracy of every cell.\"\"\"
"""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from gradgrid.core.errors import GradgridError
from gradgrid.core.registry import PACKAGE, decorated, read_module

Function = TypeVar("Function", bound=Callable)

FOLDER = PACKAGE / "figures"
"""The folder of the modules that draw."""


def figure(*, table: str, order: int, chapter: str) -> Callable[[Function], Function]:
    """Mark a function as a figure: the table it reads, its place and its chapter in the report."""
    return lambda function: function


@dataclass(frozen=True)
class FigureSpec:
    """One figure as its source declares it; ``name`` is its function's and its files' name.

    ``table`` is one of the grid (``cells``) or, with its folder in ``results``, another (``book/accuracy``);
    ``module`` is relative to ``gradgrid.figures``.
    """

    name: str
    module: str
    table: str
    order: int
    chapter: str
    summary: str

    @property
    def file(self) -> str:
        """The table's file below ``results``."""
        return f"{self.table}.parquet" if "/" in self.table else f"tables/{self.table}.parquet"

    @property
    def part(self) -> str:
        """The part of the project that the table belongs to: ``grid``, or the table's folder."""
        return self.table.partition("/")[0] if "/" in self.table else "grid"


@cache
def figures(folder: Path = FOLDER) -> dict[str, FigureSpec]:
    """All figures by name, in their order; a GradgridError names a declaration that breaks these rules."""
    specs = [
        _spec(function, path, ".".join(path.relative_to(folder).with_suffix("").parts))
        for path in sorted(folder.rglob("*.py"))
        for function in decorated(read_module(path), "figure")
    ]
    named = {spec.name: spec for spec in sorted(specs, key=lambda spec: (spec.order, spec.name))}
    if len(named) < len(specs):
        raise GradgridError(f"{folder}: two figures have the same name; rename one")
    return named


def _spec(function: ast.FunctionDef, path: Path, module: str) -> FigureSpec:
    summary = (ast.get_docstring(function) or "").partition("\n")[0]
    try:
        return FigureSpec(function.name, module, summary=summary, **_declaration(function))
    except (TypeError, ValueError, AttributeError) as error:
        where = f"{path}:{function.lineno}: figure {function.name}"
        raise GradgridError(f"{where}: write @figure(table=…, order=…, chapter=…) with constants") from error


def _declaration(function: ast.FunctionDef) -> dict[str, str | int]:
    """The keyword arguments of the function's ``@figure(…)``."""
    call = next(d for d in function.decorator_list if isinstance(getattr(d, "func", d), ast.Name))
    return {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
