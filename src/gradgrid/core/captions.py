"""The caption of a figure for whoever asks before it is drawn: it is read when it is wanted."""

from dataclasses import dataclass
from pathlib import Path

from gradgrid.core import sidecars
from gradgrid.core.sidecars import Sidecar


@dataclass(frozen=True)
class Described:
    """A figure by the file that describes it. A parameter of a job, of a class: no workflow engine watches it."""

    file: str

    @property
    def sidecar(self) -> Sidecar:
        """What is known of the figure, once it is drawn; before, GradgridError."""
        return sidecars.read(Path(self.file))
