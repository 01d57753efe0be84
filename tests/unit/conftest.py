"""Grids that several tests of the figures read, made once."""

import pytest
import synthetic


@pytest.fixture(scope="session")
def default_grid(tmp_path_factory):
    """The tables of a grid of the default size."""
    return synthetic.write(tmp_path_factory.mktemp("default"))


@pytest.fixture(scope="session")
def small_grid(tmp_path_factory):
    """The tables of a small grid with depth 1, vanishing and exploding gradients and diverged runs."""
    levels = {
        "depths": (1, 4),
        "activations": ("sigmoid", "relu"),
        "initializers": ("normal", "lecun_normal"),
    }
    return synthetic.write(tmp_path_factory.mktemp("small"), **levels, seeds=3)
