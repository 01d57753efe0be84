"""Fingerprints: all that a run's numbers depend on, as one short text; while it holds, the run is kept.

It covers the run's settings, its data, and the source that trains it: the modules that the trainer imports,
as syntax trees without docstrings, with only the run's own entries of the registries. So a comment changes
nothing, an edited initializer changes its own runs, and an edited training loop changes all.
"""

import ast
from collections.abc import Sequence
from functools import cache, cached_property
from hashlib import blake2b
from pathlib import Path

from gradgrid.core.canonical import canonical_json
from gradgrid.core.config import Training
from gradgrid.core.imports import imported_modules, module_path
from gradgrid.core.plan import Bundle, Run
from gradgrid.core.registry import PACKAGE, decorated, read_module
from gradgrid.core.schedule import epochs, measured_steps

TRAINER = "gradgrid.train.trainer"

_CARRIERS = (
    "canonical", "config", "datasets", "entries", "errors", "files", "fingerprints", "jobs", "plan", "registry",
    "tables",
)  # fmt: skip
CARRIERS = frozenset(f"gradgrid.core.{name}" for name in _CARRIERS)
"""Modules that compute no number of a run but carry its settings, which the fingerprint has by value."""


def run_fingerprint(run: Run, training: Training, dataset: str, data_digest: str, source: str) -> str:
    """Sixteen hexadecimal digits over a run's settings (as they are on ``dataset``), data and source."""
    recipe = training.model_dump(mode="json", exclude={"epochs", "digits_epochs", "measure_steps"})
    recipe |= {"epochs": epochs(training, dataset), "measured": measured_steps(training, dataset)}
    settings = {"cell": run.cell.labels, "seed": run.seed, "training": recipe}
    return _digest(canonical_json(settings), data_digest, source)


def source_digest(modules: Sequence[Path]) -> str:
    """Sixteen hexadecimal digits over the syntax trees of source files; order and place do not matter."""
    return _digest(*sorted(f"{path.name}:{_whole(read_module(path))}" for path in modules))


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


def code_digest(module: str, files: str = "", package: Path = PACKAGE) -> str:
    """Digest of a module, the gradgrid modules that it imports, and the package's files of a pattern."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(package.glob(files))) if files else ()
    return _digest(source_digest(train_sources(module, package)), *texts)


class TrainingSource:
    """The source of training, read once; gives each run the digest of what it uses."""

    def __init__(self, trainer: str = TRAINER, package: Path = PACKAGE) -> None:
        self._modules = {path.stem: read_module(path) for path in train_sources(trainer, package)}
        self._known: dict[tuple[str, str], str] = {}

    def of_run(self, run: Run, loss: str) -> str:
        """Digest of the source that a run with this loss goes through."""
        cell = run.cell
        used = [("activations", cell.activation.name), ("initializers", cell.initializer.name)]
        used += [("optimizers", cell.optimizer.name), ("losses", loss)]
        optional = {"clipping": cell.clipping, "normalization": cell.normalization}
        used += [(registry, entry.name) for registry, entry in optional.items() if entry]
        return _digest(self._shared, *(self._entry(registry, name) for registry, name in used))

    def of_bundle(self, bundle: Bundle, loss: str) -> str:
        """Digest of the source that any run of a bundle goes through."""
        return _digest(*sorted({self.of_run(run, loss) for run in bundle.runs}))

    @cached_property
    def _shared(self) -> str:
        """What every run goes through: everything but the registries' entries."""
        return _digest(*(f"{name}:{_normal(_without_entries(tree))}" for name, tree in self._modules.items()))

    def _entry(self, registry: str, name: str) -> str:
        if (registry, name) not in self._known:
            functions = {function.name: function for function in decorated(self._modules[registry], "entry")}
            used = sorted(_reached(name, functions))
            self._known[registry, name] = _digest(registry, *(_normal(functions[f]) for f in used))
        return self._known[registry, name]


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


def _digest(*parts: str) -> str:
    return blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


@cache
def _whole(module: ast.Module) -> str:
    """A module as :func:`_normal` text."""
    return _normal(module)


def _normal(node: object) -> str:
    """A syntax tree as text: the same in every version of Python, and without docstrings.

    Fields that are empty are left out, because later versions have more of them.
    """
    if isinstance(node, ast.AST):
        fields = ((name, _statements(value)) for name, value in ast.iter_fields(node) if name not in _SKIPPED)
        inside = ",".join(f"{name}={_normal(value)}" for name, value in fields if value not in (None, []))
        return f"{type(node).__name__}({inside})"
    if isinstance(node, list):
        return f"[{','.join(map(_normal, node))}]"
    return f"{type(node).__name__}:{node!r}"


_SKIPPED = ("ctx", "kind", "type_comment", "type_ignores")


def _statements(value: object) -> object:
    """A list without the strings that stand alone as statements: docstrings, and notes on attributes."""
    return [item for item in value if not _is_note(item)] if isinstance(value, list) else value


def _is_note(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)
