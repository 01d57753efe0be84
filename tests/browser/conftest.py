"""One browser for all tests, a window for each module, and the report in it."""

from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import sync_playwright
from report_folder import add_book, add_laboratory, build, figure, prepare
from window import EXECUTABLE, FLAGS, READY, Opened


def pytest_collection_modifyitems(items):
    here = Path(__file__).parent
    if EXECUTABLE is None:
        skip = pytest.mark.skip(reason="no Chromium on this machine (Debian: apt-get install chromium)")
        for item in items:
            if here in item.path.parents:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder with the report of a grid of 144 cells and of both chapters beside it, each with a wide figure."""
    folder = prepare(tmp_path_factory.mktemp("page"), depths=range(1, 13), seeds=2)
    add_laboratory(add_book(folder))
    for name, chapter in (("book_wide", "The book's chapter"), ("laboratory_theory", "The laboratory")):
        figure(folder / "figures", name, chapter, 700, width_px=960)
    build(folder)
    return folder


@pytest.fixture(scope="session")
def address(folder):
    return (folder / "report" / "index.html").as_uri()


@pytest.fixture(scope="module")
def opened(browser):
    """One window for a module's tests, without a network."""
    context = browser.new_context(offline=True, accept_downloads=True, reduced_motion="reduce")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield Opened(context)
    context.close()


@pytest.fixture
def page(opened, address):
    """The report, loaded anew, its explorer drawn."""
    opened.requests.clear()
    opened.problems.clear()
    opened.page.set_viewport_size({"width": 1280, "height": 900})
    opened.page.emulate_media(color_scheme="light", media="screen")
    page = opened.goto(address)
    page.wait_for_selector(READY)
    yield page
    assert opened.problems == []


@pytest.fixture(scope="session")
def tables(folder):
    """The tables that the report was made from."""

    def read(name: str) -> pd.DataFrame:
        frame = pd.read_parquet(folder / "tables" / f"{name}.parquet")
        return frame.astype(dict.fromkeys(frame.select_dtypes("category").columns, object))

    return read


@pytest.fixture(scope="session")
def cell(tables):
    """The row of a cell by depth, activation, initializer and clipping."""
    cells = tables("cells").set_index(["depth", "activation", "initializer", "clipping"])
    return lambda *levels: cells.loc[levels]
