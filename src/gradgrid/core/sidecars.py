"""The JSON file beside each figure: what a page needs to show and describe it without opening it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from gradgrid.core.errors import GradgridError
from gradgrid.core.files import replacing


@dataclass(frozen=True)
class Sidecar:
    """What is known of one figure beside its picture.

    ``shown`` names the dataset and the levels of the factors that the figure does not spread out; ``units``
    has one entry an axis or colour scale; ``notice`` is set if another dataset was used than asked for. The
    pixel sizes are those of the SVG at 96 pixels an inch: the size at which its text is meant to be read.
    """

    name: str
    title: str
    caption: str
    alt: str
    shown: str
    chapter: str
    order: int
    source_table: str
    units: Mapping[str, str]
    dataset: str
    notice: str | None
    width_px: int
    height_px: int


def write(sidecar: Sidecar, out: Path) -> None:
    """Write a sidecar, whole or not at all, the same bytes for the same contents."""
    text = json.dumps(asdict(sidecar), indent=2, ensure_ascii=False)
    with replacing(out) as part:
        part.write_text(text + "\n", encoding="utf-8", newline="\n")


def read(path: Path) -> Sidecar:
    """Read a sidecar; a GradgridError names the file that is missing, broken or of another version."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GradgridError(f"{path}: cannot be read ({error}); draw the figure again") from error
    expected = {field.name for field in fields(Sidecar)}
    if not isinstance(record, dict) or set(record) != expected:
        raise GradgridError(f"{path}: no sidecar with {', '.join(sorted(expected))}; draw the figure again")
    return Sidecar(**record)
