"""The compiled kernel as a library: its file, its structures (kernel/layout.h), and how to call it (kernel.cpp)."""

import ctypes
import sys
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import numpy as np

from gradgrid.core.errors import GradgridError
from gradgrid.core.kernel import kernel_digest

PARTS = (
    "gathering minibatches",
    "forward, layer 1",
    "forward, the others",
    "loss and backward",
    "gradient norm",
    "update, the others",
    "update, layer 1",
)
"""The parts of a step in a profile."""

_HERE = Path(__file__).parent


class Shape(ctypes.Structure):
    """The architecture of all runs."""

    _fields_ = tuple((name, ctypes.c_int64) for name in ("inputs", "width", "depth", "classes"))


class Common(ctypes.Structure):
    """What all runs of a stack have in common."""

    _fields_ = (
        ("shape", Shape),
        *((name, ctypes.c_int64) for name in ("loss", "optimizer", "activation", "minibatch", "fold")),
        ("decay", ctypes.c_double),
        ("keywords", ctypes.c_double * 3),
        ("parameter", ctypes.c_float),
    )


class RunState(ctypes.Structure):
    """One run: where its parameters are, its settings, and what has become of it."""

    _fields_ = (
        ("parameters", ctypes.c_void_p),
        ("memory", ctypes.c_void_p * 2),
        ("scale", ctypes.c_double),
        *((name, ctypes.c_float) for name in ("rate", "norm_limit", "value_limit")),
        *((name, ctypes.c_int64) for name in ("taken", "diverged", "layer")),
    )


class ImageArrays(ctypes.Structure):
    """Where images and targets are."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in ("offsets", "pixels", "values", "targets"))


class ToldArrays(ctypes.Structure):
    """Where to write what is told of steps."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in ("norms", "clipped", "layers"))


class Kernel:
    """The compiled file, and the instruction set (number) by which it works."""

    def __init__(self, file: Path) -> None:
        self._library = library = ctypes.CDLL(str(file))
        library.gradgrid_source.restype = library.gradgrid_set.restype = ctypes.c_char_p
        number, run = ctypes.c_int64, ctypes.POINTER(RunState)
        stack = (number, ctypes.POINTER(Common), run, number, ctypes.POINTER(ImageArrays))
        library.gradgrid_set.argtypes = library.gradgrid_runs_here.argtypes = (number,)
        library.gradgrid_layout.argtypes = (ctypes.POINTER(Shape), ctypes.c_void_p)
        steps = (*stack, ctypes.c_void_p, number, ctypes.POINTER(ToldArrays))
        library.gradgrid_train.argtypes = steps
        library.gradgrid_profile.argtypes = (*steps, ctypes.c_void_p)
        library.gradgrid_read.argtypes = (*stack, number, number, ctypes.c_void_p)
        self.set = self.usable[0]

    @property
    def source(self) -> str:
        """Digest of the source that the file was built from."""
        return self._library.gradgrid_source().decode()

    @property
    def usable(self) -> list[int]:
        """The instruction sets of the file that this processor has, fastest first."""
        return [number for number in range(8) if self._library.gradgrid_runs_here(number)]

    @property
    def name(self) -> str:
        """The name of the instruction set."""
        return self._library.gradgrid_set(self.set).decode()

    def layout(self, shape: Shape) -> np.ndarray:
        """Where a run's parameters stand: their number, then of each layer the weights, their copy, the biases."""
        places = np.zeros(1 + 3 * (shape.depth + 1), np.int64)
        self._library.gradgrid_layout(shape, places.ctypes.data)
        return places

    def train(self, *arguments: object, seconds: np.ndarray | None = None) -> None:
        """Steps of some runs (kernel.cpp); adds the time that each of the PARTS takes to ``seconds``, if given."""
        if seconds is None:
            _must_have_fitted(self._library.gradgrid_train(self.set, *arguments))
        else:
            _must_have_fitted(self._library.gradgrid_profile(self.set, *arguments, seconds.ctypes.data))

    def read(self, *arguments: object) -> None:
        """The outputs of some runs (kernel.cpp)."""
        _must_have_fitted(self._library.gradgrid_read(self.set, *arguments))


def _must_have_fitted(status: int) -> None:
    if status:
        raise MemoryError


@cache
def find_kernel() -> Kernel | None:
    """The compiled kernel of this source, here or where the package is installed; None if it was not built.

    Raises GradgridError if the one here was built from other source.
    """
    for folder in dict.fromkeys((_HERE, *(Path(path) / "gradgrid" / "train" for path in sys.path))):
        for suffix in EXTENSION_SUFFIXES:
            if (file := folder / f"_kernel{suffix}").exists():
                kernel = Kernel(file)
                if kernel.source == kernel_digest():
                    return kernel
                if folder == _HERE:
                    raise GradgridError(
                        f"{file} was built from other source than is here now: build it again, with "
                        "`pip install -e .`, or remove it, and PyTorch trains in its place, more slowly"
                    )
    return None
