"""What the jobs recorded of the trainings that made their runs, in the metadata of the bundles' runs files."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gradgrid.core.errors import GradgridError

TRAINING_KEY = b"gradgrid.training"
"""Key of the metadata of a bundle's runs file: what trained which of its runs, as JSON."""
BEGAN = "GRADGRID_BEGAN"
"""Environment variable with the time at which the workflow began, in seconds since 1970."""


def training(bundles: Iterable[Path], began: int | None = None) -> list[dict[str, Any]]:
    """What the bundles' jobs recorded of themselves, one entry for all trainings that agree in every text.

    Of the numbers, seconds are summed and any other (a peak of memory, the time of the end) is the largest;
    ``bundles`` and ``runs`` count them. More than one entry says that devices or versions are mixed. With the time
    at which the workflow ``began`` (seconds since 1970), ``runs_since`` counts the runs whose training ended
    since then, by the clock of the machine that trained, and ``runs_undated`` those of which no time is known.
    """
    merged: dict[str, dict[str, Any]] = {}
    files: dict[str, set[Path]] = {}
    for path, facts in _trainings(bundles):
        texts = {name: value for name, value in sorted(facts.items()) if isinstance(value, str)}
        key = json.dumps(texts)
        entry = merged.setdefault(key, {**texts, "bundles": 0})
        files.setdefault(key, set()).add(path)
        entry["bundles"] = len(files[key])
        for name, number in _counts(facts, began).items():
            entry[name] = entry.get(name, 0) + number
        for name in sorted(facts.keys() - texts.keys() - {"runs"}):
            before = entry.get(name, 0)
            entry[name] = before + facts[name] if name == "seconds" else max(before, facts[name])
    return [merged[key] for key in sorted(merged)]


def _counts(facts: dict[str, Any], began: int | None) -> dict[str, int]:
    runs, ended = len(facts["runs"]), facts.get("ended")
    if began is None:
        return {"runs": runs}
    since = runs if ended is not None and ended >= began else 0
    return {"runs": runs, "runs_since": since, "runs_undated": runs if ended is None else 0}


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
