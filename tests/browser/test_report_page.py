"""The report in a real browser: opens from disk without a network or an error, and fits its window and paper."""

import pytest
from report_folder import build, figure, prepare_book, prepare_laboratory
from window import until


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


def fits(page) -> bool:
    """Whether the page is no wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def assert_chapter_fits(opened, address: str, width: int, chapter: str, tables: list[str]) -> None:
    """A chapter has these tables and its equations, and the page is no wider than the window."""
    opened.problems.clear()
    opened.page.set_viewport_size({"width": width, "height": 900})
    page = opened.goto(address)
    found = page.locator(f"#{chapter} table").evaluate_all("all => all.map(table => table.id)")
    assert found == [f"{chapter}-{name}-table" for name in tables]
    heights = "all => all.map(equation => equation.getBoundingClientRect().height)"
    assert min(page.locator(f"#{chapter} math").evaluate_all(heights)) > 20
    assert fits(page)
    assert opened.problems == []


def test_it_opens_from_disk_and_asks_for_nothing_else(opened, page, address):
    asked = [request for request in opened.requests if not request.startswith(("data:", "about:"))]
    assert asked == [address]
    loaded = (
        "all => Promise.all(all.map(async (image) => { image.loading = 'eager'; await image.decode(); }))"
    )
    assert len(page.locator("img").evaluate_all(loaded)) == 2
    # The policy lets the style in.
    assert page.evaluate("getComputedStyle(document.body).margin") == "0px"


def test_the_policy_stops_a_request_before_it_is_made(opened, page):
    outcome = page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'stopped')")
    assert outcome == "stopped"
    assert any("Content Security Policy" in problem for problem in opened.problems)
    opened.problems.clear()


@pytest.mark.parametrize("width", [1280, 800, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_width_in_light_and_dark(page, width, scheme):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    assert fits(page)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(251, 250, 247)", "dark": "rgb(20, 22, 26)"}[scheme]


def test_paper_gets_everything_unfolded(page):
    assert not page.evaluate("document.querySelector('#dictionary details').open")
    page.pdf()
    assert page.evaluate("[...document.querySelectorAll('details')].every(d => d.open)")
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_books_chapter_has_its_tables_and_fits_its_width(opened, with_book, width):
    tables = ["claims", "accuracy", "initial-speed", "problems", "initialization"]
    assert_chapter_fits(opened, with_book, width, "book", tables)
    claims = "document.getElementById('book-claims-table')"
    assert opened.page.evaluate(f"{claims}.scrollWidth <= {claims}.parentElement.clientWidth")  # no scrolling


def test_the_books_sections_are_reached_by_their_addresses(opened, with_book):
    page = opened.goto(with_book)
    links = page.locator("#book .sections a").evaluate_all("all => all.map(a => a.hash)")
    assert len(links) == 10
    for link in links[:-2]:  # the last ones are too near the end to come to the top
        page.locator(f'#book .sections a[href="{link}"]').click()
        top = page.locator(link).evaluate("heading => heading.getBoundingClientRect().top")
        assert 0 <= top < 60, link
    until(page, "document.querySelector('.toc [aria-current]').hash === '#book'")


def test_a_rule_unfolds_when_its_claim_is_followed_to_it(opened, with_book):
    page = opened.goto(with_book)
    folded = page.locator("details", has=page.locator("#book-rule-1"))
    assert folded.get_attribute("open") is None
    page.locator('.claims a[href="#book-rule-1"]').first.press("Enter")
    until(page, "document.getElementById('book-rule-1').closest('details').open")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_laboratory_has_its_tables_and_fits_its_width(opened, with_laboratory, width):
    tables = ["deep", "by-hand", "tutorial", "gains", "theory", "remedies"]
    assert_chapter_fits(opened, with_laboratory, width, "laboratory", tables)
    scrolling = opened.page.locator("#laboratory :is(.scroll, .equation)")
    assert set(scrolling.evaluate_all("all => all.map(e => e.tabIndex)")) == {0}  # reached by keyboard


def test_the_laboratorys_tables_fit_on_paper(opened, with_laboratory):
    opened.page.set_viewport_size({"width": 700, "height": 900})  # A4 between its margins
    page = opened.goto(with_laboratory)
    page.emulate_media(media="print")
    cut = "all => all.filter(t => t.scrollWidth > t.parentElement.clientWidth).map(t => t.id)"
    assert page.locator("#laboratory table").evaluate_all(cut) == []
    page.emulate_media(media="screen")
