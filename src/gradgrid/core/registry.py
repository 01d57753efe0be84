"""Registries: modules in which every function marked ``@entry`` is one choice in config.yaml.

An entry's name is its function's name, its parameters are the function's keyword-only parameters, each
annotated with the range it may take, and its summary is the first line of the docstring::

    @entry
    def leaky_relu(z, *, negative_slope: Finite = 0.01):
        \"\"\"max(z, negative_slope · z) (Maas, Hannun and Ng, 2013).\"\"\"

Registries are read as source text (:mod:`ast`), never imported: a configuration is read without torch.
"""

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, TypeVar

from gradgrid.core.errors import GradgridError

Function = TypeVar("Function", bound=Callable)

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of the package ``gradgrid``."""

TRAIN = PACKAGE / "train"
"""The folder of the registries that the configuration names."""


def entry(function: Function) -> Function:
    """Mark a function as an entry of its module's registry; the function itself is unchanged."""
    return function


LARGEST = 3.4028234663852886e38
"""The largest number in single precision, in which networks train."""


@dataclass(frozen=True)
class Range:
    """The numbers that a parameter may take: in single precision finite, and between ``low`` and ``high``."""

    words: str
    low: float = -math.inf
    high: float = math.inf
    above_low: bool = False
    below_high: bool = False

    def holds(self, value: float) -> bool:
        """Whether ``value`` lies in the range."""
        above = self.low < value if self.above_low else self.low <= value
        below = value < self.high if self.below_high else value <= self.high
        return abs(value) <= LARGEST and above and below


RANGES = {
    "Positive": Range("a number above 0", low=0, above_low=True),
    "NonNegative": Range("a number from 0 upwards", low=0),
    "Fraction": Range("a number from 0 to 1", low=0, high=1),
    "ProperFraction": Range("a number from 0 to below 1", low=0, high=1, below_high=True),
    "Finite": Range("a finite number"),
}

Positive = Annotated[float, RANGES["Positive"]]
NonNegative = Annotated[float, RANGES["NonNegative"]]
Fraction = Annotated[float, RANGES["Fraction"]]
ProperFraction = Annotated[float, RANGES["ProperFraction"]]
Finite = Annotated[float, RANGES["Finite"]]


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter of an entry: its default (None: it must be given) and its range."""

    default: float | None
    allowed: Range

    @property
    def required(self) -> bool:
        """Whether the configuration must give it a value."""
        return self.default is None


@dataclass(frozen=True)
class EntrySpec:
    """One entry as its source declares it."""

    name: str
    parameters: dict[str, ParameterSpec]
    summary: str

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the parameters without a default."""
        return tuple(name for name, parameter in self.parameters.items() if parameter.required)


@cache
def entries(registry: str, folder: Path = TRAIN) -> dict[str, EntrySpec]:
    """Entries of the registry module ``folder/<registry>.py``, by name, in the order of the source.

    Raises GradgridError if the module is missing or an entry breaks the rules above.
    """
    path = folder / f"{registry}.py"
    return {function.name: _spec(function, path) for function in decorated(read_module(path), "entry")}


def read_module(path: Path) -> ast.Module:
    """The syntax tree of a source file, the same object for the same text; raises GradgridError if there is none."""
    try:
        return _parsed(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise GradgridError(f"{path}: this part of GradGrid is missing; install GradGrid again") from None
    except SyntaxError as error:
        raise GradgridError(f"{path}:{error.lineno}: not valid Python: {error.msg}") from error


@cache
def _parsed(text: str, filename: str) -> ast.Module:
    return ast.parse(text, filename=filename)


def decorated(module: ast.Module, decorator: str) -> list[ast.FunctionDef]:
    """Top-level functions of a module that carry ``@decorator`` or ``@decorator(…)``."""
    return [node for node in module.body if isinstance(node, ast.FunctionDef) and _carries(node, decorator)]


def _carries(function: ast.FunctionDef, decorator: str) -> bool:
    called = (d.func if isinstance(d, ast.Call) else d for d in function.decorator_list)
    return any(isinstance(name, ast.Name) and name.id == decorator for name in called)


def _spec(function: ast.FunctionDef, path: Path) -> EntrySpec:
    summary = (ast.get_docstring(function) or "").partition("\n")[0]
    arguments = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    parameters = {argument.arg: _parameter(argument, default, path) for argument, default in arguments}
    return EntrySpec(function.name, parameters, summary)


def _parameter(argument: ast.arg, default: ast.expr | None, path: Path) -> ParameterSpec:
    marker = argument.annotation.id if isinstance(argument.annotation, ast.Name) else ""
    if marker not in RANGES:
        raise _broken(argument, path, f"its annotation must be one of {', '.join(RANGES)}")
    if default is None:
        return ParameterSpec(None, RANGES[marker])
    try:
        number = float(ast.literal_eval(default))
    except (ValueError, TypeError):
        raise _broken(argument, path, "its default must be written as a number") from None
    if not RANGES[marker].holds(number):
        raise _broken(argument, path, f"its default {number} is not {RANGES[marker].words}")
    return ParameterSpec(number, RANGES[marker])


def _broken(argument: ast.arg, path: Path, what: str) -> GradgridError:
    return GradgridError(f"{path}:{argument.lineno}: parameter {argument.arg} of a registry entry: {what}")
