"""What the jobs recorded of the trainings that made their runs, in the metadata of the bundles' runs files."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gradgrid.core.errors import GradgridError

TRAINING_KEY = b"gradgrid.training"
"""Key of the metadata of a bundle's runs file: what trained which of its runs, as JSON."""


def training(bundles: Iterable[Path]) -> list[dict[str, Any]]:
    """What the bundles' jobs recorded of themselves, one entry for all trainings that agree in every text.

    Of the numbers, seconds are summed and any other (such as a peak of memory) is the largest; ``bundles`` and
    ``runs`` count them. More than one entry says that devices or versions are mixed.
    """
    merged: dict[str, dict[str, Any]] = {}
    files: dict[str, set[Path]] = {}
    for path, facts in _trainings(bundles):
        texts = {name: value for name, value in sorted(facts.items()) if isinstance(value, str)}
        key = json.dumps(texts)
        entry = merged.setdefault(key, {**texts, "bundles": 0, "runs": 0})
        files.setdefault(key, set()).add(path)
        entry["bundles"] = len(files[key])
        entry["runs"] += len(facts["runs"])
        for name in sorted(facts.keys() - texts.keys() - {"runs"}):
            before = entry.get(name, 0)
            entry[name] = before + facts[name] if name == "seconds" else max(before, facts[name])
    return [merged[key] for key in sorted(merged)]


def _trainings(bundles: Iterable[Path]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every training that a file holds runs of."""
    for path in map(Path, bundles):
        yield from ((path, facts) for facts in training_facts(path))


def training_facts(path: Path) -> list[dict[str, Any]]:
    """What a bundle's runs file says of each training that made some of its ``runs``: device, seconds, memory.

    Raises GradgridError if it says nothing.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return json.loads((pq.read_schema(path).metadata or {})[TRAINING_KEY])
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise GradgridError(
            f"{path}: does not say what trained it ({error!r}); train its bundle again"
        ) from error
