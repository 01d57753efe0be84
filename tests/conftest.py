"""Shared by all tests. That it stands here puts this folder on the path: a test can ``import synthetic``."""

import gc
import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
MNIST = Path(os.environ.get("MNIST_DIR") or REPOSITORY.parent / "shared" / "data" / "mnist")

# A figure is tens of thousands of small objects: with Python's own thresholds a fifth of the time of drawing goes
# into collecting garbage.
gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """The folder with MNIST's four original files; the test is skipped where there is none."""
    if not (MNIST / "train-images-idx3-ubyte.gz").is_file():
        pytest.skip("needs MNIST's four original files, compressed: name their folder in MNIST_DIR")
    return MNIST


@pytest.fixture(autouse=True)
def no_mnist_by_chance(monkeypatch):
    """What a test sees does not depend on whether the one who runs it names a folder with MNIST."""
    monkeypatch.delenv("MNIST_DIR", raising=False)
