"""The state of a bundle: what its job wrote into its files and on what basis, beside them in a small JSON file.

It is read wherever the workflow is planned, in milliseconds and without parquet. Its ``generation`` counts how often
the bundle was found in need of work: the workflow's engine, which compares nothing but short texts, sees by it that
there is something to do.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from gradgrid.core.basis import Basis
from gradgrid.core.files import replacing
from gradgrid.core.plan import BUNDLE_TABLES, Bundle

GRID = Path("results/grid")
"""Where the bundles' files are, from the folder of the workflow."""


@dataclass(frozen=True)
class State:
    """What a bundle's files hold: runs trained on one basis, and the files' sizes in bytes by table.

    ``forgotten`` are runs that shall be trained again although nothing has changed.
    """

    generation: int
    basis: Basis
    runs: tuple[str, ...]
    sizes: Mapping[str, int]
    forgotten: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "State | None":
        """The state in a file; None where there is none, or none of this version."""
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            runs, forgotten = tuple(record["runs"]), tuple(record["forgotten"])
            return cls(**record | {"basis": Basis(**record["basis"]), "runs": runs, "forgotten": forgotten})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Write it, whole or not at all."""
        with replacing(path) as part:
            part.write_text(json.dumps(asdict(self), separators=(",", ":")) + "\n", encoding="utf-8")

    def without(self, runs: Iterable[str]) -> "State":
        """The same with more runs forgotten."""
        return replace(self, forgotten=tuple(sorted({*self.forgotten, *runs})))


def state_file(bundle: Bundle, grid: Path = GRID) -> Path:
    """The file with a bundle's state."""
    return grid / "state" / f"{bundle.key}.json"


def table_files(bundle: Bundle, grid: Path = GRID) -> dict[str, Path]:
    """The parquet files of a bundle by table."""
    return {table: grid / table / f"{bundle.key}.parquet" for table in BUNDLE_TABLES}


def sizes(files: Mapping[str, Path]) -> dict[str, int | None]:
    """Bytes of each file; None where there is none."""
    return {table: path.stat().st_size if path.is_file() else None for table, path in files.items()}
