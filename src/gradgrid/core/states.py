"""The state of a bundle: what its job wrote into its files and on what basis, beside them in a small JSON file.

It is read wherever the workflow is planned, in milliseconds and without parquet.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from gradgrid.core.basis import Basis
from gradgrid.core.canonical import canonical_json
from gradgrid.core.files import replacing
from gradgrid.core.fingerprints import digest
from gradgrid.core.plan import BUNDLE_TABLES

COLUMNS = "06f2793efe75476b"
"""Digest of the names and types of the bundles' columns; as text, because they are made of parquet's types."""

GRID = Path("results/grid")
"""Where the bundles' files are, from the folder of the workflow."""


@dataclass(frozen=True)
class State:
    """What a bundle's files hold: runs trained on one basis, and the files' sizes in bytes by table.

    ``generation`` is the number of the work that made them what they are, :attr:`gradgrid.core.work.Work.generation`;
    ``forgotten`` are runs that shall be trained again although nothing has changed.
    """

    generation: int
    basis: Basis
    runs: tuple[str, ...]
    sizes: Mapping[str, int]
    forgotten: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "State | None":
        """The state in a file; None where there is none, or none that this version wrote, whole and unchanged."""
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if record.pop("digest") != _digest(record):
                return None
            runs, forgotten = tuple(record["runs"]), tuple(record["forgotten"])
            return cls(**record | {"basis": Basis(**record["basis"]), "runs": runs, "forgotten": forgotten})
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        record = asdict(self)
        with replacing(path) as part:
            part.write_text(canonical_json(record | {"digest": _digest(record)}) + "\n", encoding="utf-8")

    def without(self, runs: Iterable[str]) -> "State":
        """The same with more runs forgotten."""
        return replace(self, forgotten=tuple(sorted({*self.forgotten, *runs})))


def _digest(record: Mapping[str, object]) -> str:
    """Of a state's record and of what files of this version hold."""
    return digest(canonical_json(record), COLUMNS)


def state_file(bundle: str, grid: Path = GRID) -> Path:
    """The file with the state of the bundle with this key."""
    return grid / "state" / f"{bundle}.json"


def table_files(bundle: str, grid: Path = GRID) -> dict[str, Path]:
    """The parquet files by table of the bundle with this key."""
    return {table: grid / table / f"{bundle}.parquet" for table in BUNDLE_TABLES}


def sizes(files: Mapping[str, Path]) -> dict[str, int | None]:
    """Bytes of each file; None where there is none."""
    return {table: path.stat().st_size if path.is_file() else None for table, path in files.items()}
