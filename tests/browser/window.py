"""Debian's Chromium without a network, driven by Playwright, whose wheel brings its own driver."""

import shutil

from playwright.sync_api import BrowserContext, ConsoleMessage, Page

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
READY = "html[data-pictures] #explorer[data-ready] #card-a [data-chart=accuracy] svg"
"""What is there once the pictures are, and the explorer has drawn its last chart but those of clipping."""


class Opened:
    """A page in a window of its own; ``requests`` and ``problems`` gather what it asked for and complained of."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(20_000)
        self.requests: list[str] = []
        self.problems: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._note)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.problems.append(message.text)

    def goto(self, address: str) -> Page:
        self.page.goto("about:blank")  # lest only the fragment changes and nothing is loaded
        self.page.goto(address)
        return self.page


def until(page: Page, condition: str) -> None:
    """Wait until an expression is true; Playwright's own way evaluates a text in the page, which its policy forbids."""
    for _ in range(1200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"not within 30 s: {condition}")
