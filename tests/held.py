"""PyTorch's operations watched: how much memory tensors hold, and how many operations do work."""

import weakref

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Held(TorchDispatchMode):
    """Bytes that the tensors made in a block hold at a time: those of their storages, each counted once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for storage in (leaf.untyped_storage() for leaf in tree_leaves(made) if isinstance(leaf, Tensor)):
            if storage._cdata not in self._known:
                self._known.add(storage._cdata)
                self._count(storage.nbytes())
                weakref.finalize(storage, self._gone, storage._cdata, storage.nbytes())
        return made

    def _count(self, size: int) -> None:
        self.now += size
        self.peak = max(self.peak, self.now)

    def _gone(self, storage: int, size: int) -> None:
        self._known.remove(storage)
        self._count(-size)


IDLE = {
    "_unsafe_view", "as_strided", "detach", "empty", "expand", "flatten", "mT", "new_empty", "select", "slice", "split",
    "split_with_sizes", "squeeze", "t", "transpose", "unbind", "unflatten", "unsqueeze", "view", "view_as",
}  # fmt: skip
"""Operations that only look at a tensor in another way, or reserve memory."""


class Operations(TorchDispatchMode):
    """The number of operations in a block that do work."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.number += func._schema.name.partition("::")[2] not in IDLE
        return func(*args, **(kwargs or {}))
