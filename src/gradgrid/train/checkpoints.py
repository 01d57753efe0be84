"""Checkpoints: what a bundle's training needs to go on after a kill, one file a stack, at the end of epochs.

The files hold tensors and plain values, written by ``torch.save`` and read with ``weights_only``, which runs no code
that a file may hold. One that is damaged, or was made by other runs, other source, another PyTorch or another kind of
processor, is passed over: its runs begin at the beginning.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import torch

from gradgrid.core.files import replacing
from gradgrid.core.plan import Run
from gradgrid.train.native import find_kernel
from gradgrid.train.trainer import TrainingState

_LOG = logging.getLogger(__name__)

LONG = 60.0
"""Seconds of a bundle's training after which ``auto`` keeps the end of every epoch."""


class Checkpoints:
    """The checkpoints of one bundle's training, in a folder of their own.

    ``every`` is ``execution.checkpoint_every``: a number of epochs, or ``auto``. ``fingerprints`` are those of the
    runs by run_id; a checkpoint serves only runs with the same ones. ``seconds`` is the time that earlier processes
    spent on what was taken up again.
    """

    def __init__(self, folder: Path, every: Literal["auto"] | int, fingerprints: Mapping[str, str]) -> None:
        self.folder, self.every, self.fingerprints = folder, every, fingerprints
        self.seconds = 0.0
        self._began = time.monotonic()

    def of(self, runs: Sequence[Run], device: torch.device, epochs: int) -> "StackCheckpoint":
        """The checkpoint of a stack of ``runs`` that trains for ``epochs`` epochs; read if there is one."""
        name = blake2b(" ".join(run.run_id for run in runs).encode(), digest_size=8).hexdigest()
        key = [*(self.fingerprints[run.run_id] for run in runs), str(torch.__version__), _processor(device)]
        stack = StackCheckpoint(self.folder / f"{name}.pt", key, lambda epoch: self._due(epoch, epochs))
        self.seconds += stack.seconds
        return stack

    def _due(self, epoch: int, last: int) -> bool:
        if self.every == "auto":
            return self.seconds + time.monotonic() - self._began > LONG
        return epoch == last or epoch % self.every == 0


class StackCheckpoint:
    """One stack's checkpoint: ``epoch`` is how many are behind it, ``seconds`` how long they took."""

    def __init__(self, path: Path, key: list[str], due: Callable[[int], bool]) -> None:
        self.path, self._key, self._due = path, key, due
        kept = self._read()
        self.epoch, self.seconds, self._state = kept["epoch"], kept["seconds"], kept["state"]
        self._began = time.monotonic()
        self._refused = False

    def take(self) -> TrainingState | None:
        """See :class:`gradgrid.train.trainer.Checkpoint`; the state is given away."""
        state, self._state = self._state, None
        return state

    def end_epoch(self, epoch: int, state: Callable[[], TrainingState]) -> None:
        """See :class:`gradgrid.train.trainer.Checkpoint`. A full disk costs the checkpoint, not the training."""
        if not self._due(epoch):
            return
        seconds = self.seconds + time.monotonic() - self._began
        kept = BytesIO()  # because torch.save hides what is wrong with a file
        torch.save({"key": self._key, "epoch": epoch, "seconds": seconds, "state": state()}, kept)
        try:
            with replacing(self.path) as part:
                part.write_bytes(kept.getbuffer())
        except OSError as error:
            if not self._refused:  # once is enough
                reason = error.strerror
                _LOG.warning("%s: the checkpoint cannot be written (%s): going on without", self.path, reason)
            self._refused = True

    def _read(self) -> dict[str, Any]:
        """What the file holds, or the beginning."""
        beginning = {"epoch": 0, "seconds": 0.0, "state": None}
        try:
            kept = torch.load(self.path, map_location="cpu", weights_only=True)
            same = kept["key"] == self._key
        except FileNotFoundError:
            return beginning
        except Exception as error:  # torch.load raises nearly anything at a damaged file
            reason = type(error).__name__  # its text is long and advises to run what the file holds
            _LOG.warning("%s: the checkpoint cannot be read (%s): beginning anew", self.path, reason)
            return beginning
        if not same:
            _LOG.info("%s: the checkpoint is of other settings, source or PyTorch: beginning anew", self.path)
            return beginning
        _LOG.info("%s: going on after epoch %d", self.path, kept["epoch"])
        return kept


def _processor(device: torch.device) -> str:
    """The kind of processor, on which the last bits depend."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    kernel = find_kernel()
    return f"{device.type} {torch.backends.cpu.get_cpu_capability()} {kernel.name if kernel else 'none'}"
