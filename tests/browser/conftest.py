"""Debian's Chromium without a network, driven by Playwright, whose wheel brings its own driver."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright
from report_folder import build, prepare

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
READY = "#explorer[data-ready] #card-a [data-chart=accuracy] svg"


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
    """A folder with the report of a grid of 144 cells."""
    folder = prepare(tmp_path_factory.mktemp("page"), depths=range(1, 13), seeds=2)
    build(folder)
    return folder


@pytest.fixture(scope="session")
def address(folder):
    return (folder / "report" / "index.html").as_uri()


class Opened:
    """A page in a window of its own; ``requests`` and ``problems`` gather what it asked for and complained of."""

    def __init__(self, context) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(20_000)
        self.requests: list[str] = []
        self.problems: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._note)

    def _note(self, message) -> None:
        if message.type in ("error", "warning", "assert"):
            self.problems.append(message.text)

    def goto(self, address: str) -> Page:
        self.page.goto("about:blank")  # lest only the fragment changes and nothing is loaded
        self.page.goto(address)
        return self.page


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
