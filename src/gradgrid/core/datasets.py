"""The datasets: their names, sizes and what is written down about where one came from. No arrays here."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple, Self

from gradgrid.core.errors import GradgridError

PIXELS = 784
CLASSES = 10
EMBEDDED = "digits"


class Sizes(NamedTuple):
    """Images in each split."""

    train: int
    validation: int
    test: int


_BOOK_SPLIT = Sizes(train=50_000, validation=10_000, test=10_000)

SIZES: dict[str, Sizes] = {
    "mnist": _BOOK_SPLIT,
    "fashion_mnist": _BOOK_SPLIT,
    "kmnist": _BOOK_SPLIT,
    EMBEDDED: Sizes(train=1_297, validation=250, test=250),
}

TITLES: dict[str, str] = {
    "mnist": "MNIST",
    "fashion_mnist": "Fashion-MNIST",
    "kmnist": "Kuzushiji-MNIST",
    EMBEDDED: "the embedded digits of scikit-learn",
}


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
    """What ``results/data/dataset.json`` holds: which data was used, where it came from, and its digest.

    ``dataset`` differs from ``requested`` exactly when ``fallback`` is true; ``message`` then says why.
    ``mean`` and ``std`` are those of the training pixels on the scale 0…1.
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

    def write(self, path: Path | str) -> None:
        """Write it as JSON, whole or not at all."""
        path = Path(path)
        partial = path.with_name(f".{path.name}.partial")
        content = {**asdict(self), "sizes": self.sizes._asdict()}
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        partial.replace(path)

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """Read what ``write`` wrote; a missing or damaged file is a GradgridError."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            files = tuple(SourceFile(**file) for file in content.pop("files"))
            return cls(**content | {"files": files, "sizes": Sizes(**content["sizes"])})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise GradgridError(
                f"{path}: cannot be read ({error}); delete it and prepare the data again"
            ) from error
