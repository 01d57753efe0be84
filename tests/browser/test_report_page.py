"""The report in a real browser: opens from disk without a network or an error, sorts, filters, fits."""

import pytest
from chromium import EXECUTABLE, Chromium
from report_folder import build, figure, prepare, prepare_book, prepare_laboratory

pytestmark = pytest.mark.skipif(
    EXECUTABLE is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)

ROWS = "[...document.querySelectorAll('#cells-table tbody tr')]"
STATUS = "document.getElementById('cells-status').textContent"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = prepare(tmp_path_factory.mktemp("page"), depths=range(1, 13), seeds=2)
    build(folder)
    return (folder / "report" / "index.html").as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def page(browser, address):
    browser.requests.clear()
    browser.problems.clear()
    browser.open(address)
    return browser


@pytest.fixture(scope="module")
def with_book(tmp_path_factory):
    return with_a_wide_figure(
        prepare_book(tmp_path_factory.mktemp("book")), "book_wide", "The book's chapter"
    )


@pytest.fixture(scope="module")
def with_laboratory(tmp_path_factory):
    folder = prepare_laboratory(tmp_path_factory.mktemp("laboratory"))
    return with_a_wide_figure(folder, "laboratory_theory", "The laboratory")


def with_a_wide_figure(folder, name: str, chapter: str) -> str:
    """The address of the report of a folder with one more figure."""
    figure(folder / "figures", name, chapter, 700, width_px=960)
    build(folder)
    return (folder / "report" / "index.html").as_uri()


def assert_chapter_fits(browser: Chromium, address: str, width: int, chapter: str, tables: list[str]) -> None:
    """A chapter has these tables and its equations, and the page is no wider than the window."""
    browser.problems.clear()
    browser.resize(width)
    browser.open(address)
    assert browser.problems == []
    found = browser.evaluate(f"[...document.querySelectorAll('#{chapter} table')].map(t => t.id)")
    assert found == [f"{chapter}-{name}-table" for name in tables]
    assert browser.evaluate(
        f"[...document.querySelectorAll('#{chapter} math')].every(m => m.getBoundingClientRect().height > 20)"
    )
    assert browser.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def column(page: Chromium, number: int) -> list[str]:
    return page.evaluate(f"{ROWS}.map(row => row.cells[{number}].textContent)")


def header(number: int) -> str:
    return f"document.querySelectorAll('#cells-table th')[{number}]"


def set_field(page: Chromium, name: str, value: str) -> None:
    event = "new Event('input', {bubbles: true})"
    page.evaluate(
        f"{{const field = document.forms[0].elements['{name}']; field.value = '{value}';"
        f" field.dispatchEvent({event});}}"
    )


def test_it_opens_from_disk_and_asks_for_nothing_else(page, address):
    asked = [request for request in page.requests if not request.startswith("data:")]
    assert asked == [address]
    assert page.problems == []
    assert page.evaluate("document.images.length") == 2
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    assert page.evaluate("getComputedStyle(document.body).margin") == "0px"  # the policy lets the style in


def test_the_policy_stops_a_request_before_it_is_made(page):
    outcome = page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'stopped')")
    assert outcome == "stopped"
    assert any("Content Security Policy" in problem for problem in page.problems)


def test_cells_start_with_the_best_and_end_with_those_without_a_mean(page):
    page.evaluate(f"{header(0)}.scrollIntoView()")
    assert page.evaluate(f"{header(5)}.getAttribute('aria-sort')") == "descending"
    shown = column(page, 5)
    assert len(shown) == 100
    means = [float(text.split(" ")[0]) for text in shown if text != "–"]
    assert means == sorted(means, reverse=True)
    assert page.evaluate(STATUS) == "144 of 144 cells, sorted by validation accuracy, %, descending"


def test_a_header_sorts_by_keyboard_and_turns_round(page):
    page.evaluate(f"{header(0)}.firstElementChild.focus()")
    page.press_enter()
    assert page.evaluate(f"{header(0)}.getAttribute('aria-sort')") == "ascending"
    assert page.evaluate(f"{header(5)}.getAttribute('aria-sort')") == "none"
    depths = [int(depth) for depth in column(page, 0)]
    assert depths == sorted(depths)
    page.press_enter()
    assert page.evaluate(f"{header(0)}.getAttribute('aria-sort')") == "descending"
    assert column(page, 0)[0] == "12"


def test_a_missing_value_comes_last_in_both_directions(page):
    set_field(page, "depth", "1")  # depth 1 has no gradient slope
    set_field(page, "search", "relu")
    for _ in range(2):
        page.evaluate(f"{header(7)}.firstElementChild.click()")
        assert set(column(page, 7)) == {"–"}
    set_field(page, "depth", "")
    for _ in range(2):
        page.evaluate(f"{header(7)}.firstElementChild.click()")
        assert column(page, 7)[-1] == "–"
        assert column(page, 7)[0] != "–"


def test_filters_search_and_reset(page):
    set_field(page, "activation", "sigmoid")
    set_field(page, "search", "kaiming norm=1")
    assert page.evaluate(STATUS).startswith("12 of 144 cells")
    assert set(column(page, 1)) == {"sigmoid"}
    assert set(column(page, 2)) == {"kaiming_normal"}
    page.evaluate("document.querySelector('#cells-filters button').click()")
    page.evaluate("new Promise(done => setTimeout(done, 20))")
    assert page.evaluate(STATUS).startswith("144 of 144 cells")


def test_further_rows_appear_on_scrolling(page):
    page.evaluate("{const s = document.getElementById('cells-scroll'); s.scrollTop = s.scrollHeight;}")
    page.evaluate("new Promise(done => setTimeout(done, 100))")
    assert page.evaluate(f"{ROWS}.length") == 144
    assert page.evaluate(f"{ROWS}.at(-1).getAttribute('aria-rowindex')") == "145"


@pytest.mark.parametrize("width", [1280, 800, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_width_in_light_and_dark(page, width, scheme):
    page.resize(width)
    page.prefer(scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(251, 250, 247)", "dark": "rgb(20, 22, 26)"}[scheme]


def test_paper_gets_everything_unfolded(page):
    assert not page.evaluate("document.querySelector('#dictionary details').open")
    page.send("Page.printToPDF")
    assert page.evaluate("[...document.querySelectorAll('details')].every(d => d.open)")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_books_chapter_has_its_tables_and_fits_its_width(browser, with_book, width):
    tables = ["claims", "accuracy", "initial-speed", "problems", "initialization"]
    assert_chapter_fits(browser, with_book, width, "book", tables)
    claims = "document.getElementById('book-claims-table')"
    assert browser.evaluate(f"{claims}.scrollWidth <= {claims}.parentElement.clientWidth")  # no scrolling


def test_the_books_sections_are_reached_by_their_addresses(browser, with_book):
    browser.open(with_book)
    browser.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
    links = browser.evaluate("[...document.querySelectorAll('.sections a')].map(a => a.hash)")
    assert len(links) == 10
    for link in links[:-2]:  # the last ones are too near the end to come to the top
        browser.evaluate(f"document.querySelector('.sections a[href=\"{link}\"]').click()")
        assert 0 <= browser.evaluate(f"document.querySelector('{link}').getBoundingClientRect().top") < 60, (
            link
        )
    browser.evaluate("new Promise(done => setTimeout(done, 100))")
    assert browser.evaluate("document.querySelector('.toc [aria-current]').hash") == "#book"


def test_a_rule_unfolds_when_its_claim_is_followed_to_it(browser, with_book):
    browser.open(with_book)
    assert not browser.evaluate("document.getElementById('book-rule-1').closest('details').open")
    browser.evaluate("document.querySelector('.claims a[href=\"#book-rule-1\"]').focus()")
    browser.press_enter()
    browser.evaluate("new Promise(done => setTimeout(done, 100))")
    assert browser.evaluate("document.getElementById('book-rule-1').closest('details').open")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_laboratory_has_its_tables_and_fits_its_width(browser, with_laboratory, width):
    tables = ["deep", "by-hand", "tutorial", "gains", "theory", "remedies"]
    assert_chapter_fits(browser, with_laboratory, width, "laboratory", tables)
    by_keyboard = (
        "[...document.querySelectorAll('#laboratory :is(.scroll, .equation)')].every(e => e.tabIndex === 0)"
    )
    assert browser.evaluate(by_keyboard)


def test_the_laboratorys_tables_fit_on_paper(browser, with_laboratory):
    browser.resize(700)  # A4 between its margins
    browser.open(with_laboratory)
    browser.send("Emulation.setEmulatedMedia", media="print")
    cut = "[...document.querySelectorAll('#laboratory table')].filter(t => t.scrollWidth > t.parentElement.clientWidth)"
    assert browser.evaluate(f"{cut}.map(t => t.id)") == []
    browser.send("Emulation.setEmulatedMedia", media="")
