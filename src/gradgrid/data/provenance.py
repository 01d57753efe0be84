"""Which data was used and where it came from: what ``results/data/dataset.json`` holds."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from gradgrid.core.datasets import Sizes
from gradgrid.core.errors import GradgridError
from gradgrid.core.files import replacing


@dataclass(frozen=True)
class SourceFile:
    """A file the dataset was read from.

    ``checksum`` says what its md5 was compared with: ``published`` (the publisher's, through torchvision),
    ``content`` (that of the published file, decompressed) or ``unknown`` (nobody published one: only the
    format, the shape and the number of images of each class were checked).
    """

    name: str
    md5: str
    checksum: str


@dataclass(frozen=True)
class DatasetProvenance:
    """Which data was used, where it came from, and its digest.

    ``dataset`` differs from ``requested`` exactly when ``fallback`` is true; ``message`` then says why, the
    whole story in its first line. ``mean`` and ``std`` are those of the training pixels on the scale 0…1.
    ``attempt`` and ``settings`` (a digest of them) are what the next plan compares; ``mirrors`` are the addresses that
    failed, where it looks again.
    """

    requested: str
    dataset: str
    fallback: bool
    message: str
    source: str
    files: tuple[SourceFile, ...]
    digest: str
    sizes: Sizes
    mean: float
    std: float
    attempt: int
    settings: str
    mirrors: tuple[str, ...]

    def write(self, path: Path | str) -> None:
        """Write it as JSON, whole or not at all."""
        with replacing(Path(path)) as part:
            part.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Read what ``write`` wrote; a missing or damaged file is a GradgridError."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            files = tuple(SourceFile(**file) for file in content["files"])
            sizes, mirrors = Sizes(**content["sizes"]), tuple(content["mirrors"])
            return cls(**content | {"files": files, "sizes": sizes, "mirrors": mirrors})
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = f"{path}: cannot be read ({error}); delete it and prepare the data again"
            raise GradgridError(message) from error
