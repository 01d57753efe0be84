"""What several tests of the figures or of the report read, made once."""

from functools import cache

import pytest
import synthetic
import synthetic_book
from book_drawings import KINDS, SMALL
from html_page import Page
from report_folder import build


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


@pytest.fixture(scope="session")
def small_book(tmp_path_factory):
    """The tables of the book's chapter with the default settings and five seeds."""
    return synthetic_book.write(tmp_path_factory.mktemp("book"), **SMALL)


@pytest.fixture(scope="session")
def books(tmp_path_factory):
    """Folders of the chapter's tables by the name of their kind, made when first asked for."""
    return cache(lambda kind: synthetic_book.write(tmp_path_factory.mktemp("kind"), **KINDS[kind]))


@pytest.fixture(scope="module")
def built(request, tmp_path_factory):
    """The folder that the tests' module prepares with its ``PREPARE``, and the text of the report built there."""
    folder = request.module.PREPARE(tmp_path_factory.mktemp("report"))
    return folder, build(folder)


@pytest.fixture(scope="module")
def page(built):
    """The report that was built."""
    return Page(built[1])


@pytest.fixture
def moved_clock(monkeypatch):
    """Gives a module a clock that a test moves."""

    class Clock:
        now = 1000.0

        def monotonic(self):
            return self.now

    def moved_clock(module):
        clock = Clock()
        monkeypatch.setattr(module, "time", clock)
        return clock

    return moved_clock
