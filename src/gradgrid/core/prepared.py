"""The prepared dataset as the plan sees it: whether it is there, and whether a better one can be had now."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import Request, urlopen

from gradgrid.core.fingerprints import code_digest, digest

if TYPE_CHECKING:
    from gradgrid.core.config import Dataset

RECORD = Path("results/data/dataset.json")
"""Where the data step says what it prepared, from the folder of the workflow."""
_SECONDS = 2.0
"""How long a mirror may take to answer."""


@dataclass(frozen=True)
class Prepared:
    """The dataset that the plan may count on.

    ``attempt`` counts how often the data step was found in need of work; ``known`` is the dataset with its digest,
    None where the data step comes first.
    """

    attempt: int
    known: tuple[str, str] | None


def prepared(dataset: "Dataset", record: Path = RECORD) -> Prepared:
    """What the data step left for these settings.

    After a fallback it looks whether the images that were asked for can be had by now: in the folder that MNIST_DIR
    names, or from a mirror that did not answer then.
    """
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
        attempt, settings, known = found["attempt"], found["settings"], (found["dataset"], found["digest"])
        mirrors = found["mirrors"] if found["fallback"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return Prepared(1, None)
    if settings != settings_digest(dataset) or (mirrors is not None and _can_be_had(dataset.name, mirrors)):
        return Prepared(attempt + 1, None)
    return Prepared(attempt, known)


def settings_digest(dataset: "Dataset") -> str:
    """A short text that changes with the settings of the dataset and the source that prepares it; names no folder."""
    return digest(dataset.model_dump_json(), code_digest("gradgrid.data.preparation"))


def _can_be_had(name: str, mirrors: Sequence[str]) -> bool:
    return (name == "mnist" and bool(os.environ.get("MNIST_DIR"))) or any(map(_answers, mirrors))


def _answers(url: str) -> bool:
    try:
        with urlopen(Request(url, method="HEAD"), timeout=_SECONDS):
            return True
    except (URLError, OSError, ValueError):
        return False
