"""A stand-in for CUDA graphs that runs on the CPU: what was captured is done again, operation by operation.

Each operation takes the very tensors and numbers that it took when it was captured, and writes where it wrote then. So
a number that Python counts, a tensor made anew at every step, or a choice that depends on values shows in the results.
"""

from contextlib import contextmanager
from types import SimpleNamespace

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gradgrid.train import replay


class Tape(TorchDispatchMode):
    """A graph: capturing does what it captures, so that the first replay has nothing left to do."""

    def __init__(self) -> None:
        super().__init__()
        self.operations, self.replays = [], 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        self.operations.append((func, args, kwargs or {}, made))
        return made

    def replay(self) -> None:
        """Do all of it again."""
        self.replays += 1
        for func, args, kwargs, made in self.operations if self.replays > 1 else ():
            pairs = zip(tree_leaves(made), tree_leaves(func(*args, **kwargs)), strict=True)
            for old, new in pairs:
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


def record(monkeypatch) -> list[Tape]:
    """Let every :class:`Replay` capture, and return what they have captured, as it comes."""
    tapes = []

    def graph() -> Tape:
        tapes.append(Tape())
        return tapes[-1]

    @contextmanager
    def capturing(tape: Tape, pool: object):
        with tape:
            yield

    stream = SimpleNamespace(wait_stream=lambda other: None)
    for name, stand_in in {
        "CUDAGraph": graph,
        "graph": capturing,
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": lambda chosen: torch.inference_mode(),
    }.items():
        monkeypatch.setattr(torch.cuda, name, stand_in)
    original, cuda = replay.Replay, torch.device("cuda")
    monkeypatch.setattr(replay, "Replay", lambda device, pool: original(cuda, pool))
    return tapes
