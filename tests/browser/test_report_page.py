"""The report in a real browser: opens from disk without a network or an error, and fits its window and paper."""

import pytest
from window import until


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
    # The policy lets the style in.
    assert page.evaluate("getComputedStyle(document.body).margin") == "0px"


DRAWN = "all => all.filter(image => image.src.includes(';base64')).length"
DECODED = "async image => { await image.decode(); return image.naturalWidth > 1; }"


def test_pictures_are_drawn_where_one_looks_and_all_of_them_on_paper(page):
    images = page.locator("figure[data-svg] img")
    assert images.count() == 8
    for number, image in enumerate(images.all()):
        image.scroll_into_view_if_needed()
        until(page, f"document.querySelectorAll('figure[data-svg] img')[{number}].src.includes(';base64')")
        assert image.evaluate(DECODED)
    assert images.evaluate_all(DRAWN) < 8
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert images.evaluate_all(DRAWN) == 8
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    until(page, f"({DRAWN})([...document.querySelectorAll('figure[data-svg] img')]) < 8")


def test_the_policy_stops_a_request_before_it_is_made(opened, page):
    outcome = page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'stopped')")
    assert outcome == "stopped"
    assert any("Content Security Policy" in problem for problem in opened.problems)
    opened.problems.clear()


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_the_page_fits_its_width(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    assert fits(page)


@pytest.mark.parametrize("width", [1280, 390])
def test_the_books_chapter_has_its_tables_and_fits_its_width(opened, address, width):
    tables = ["claims", "accuracy", "initial-speed", "problems", "initialization"]
    assert_chapter_fits(opened, address, width, "book", tables)
    claims = "document.getElementById('book-claims-table')"
    assert opened.page.evaluate(f"{claims}.scrollWidth <= {claims}.parentElement.clientWidth")  # no scrolling


def test_the_books_sections_are_reached_by_their_addresses(opened, address):
    opened.page.set_viewport_size({"width": 1280, "height": 900})
    page = opened.goto(address)
    page.click('.toc a[href="#book"]')
    links = page.locator('.toc li:has(> a[href="#book"]) ol a').evaluate_all("all => all.map(a => a.hash)")
    assert len(links) == 10
    for link in links:
        page.locator(f'.toc a[href="{link}"]').click()
        top = page.locator(link).evaluate("heading => heading.getBoundingClientRect().top")
        assert 0 <= top < 60, link
    until(page, "document.querySelector('.toc [aria-current]').hash === '#book'")


def test_a_rule_unfolds_when_its_claim_is_followed_to_it(opened, address):
    page = opened.goto(address)
    folded = page.locator("details", has=page.locator("#book-rule-1"))
    assert folded.get_attribute("open") is None
    page.locator('.claims a[href="#book-rule-1"]').first.press("Enter")
    until(page, "document.getElementById('book-rule-1').closest('details').open")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_laboratory_has_its_tables_and_fits_its_width(opened, address, width):
    tables = ["deep", "by-hand", "tutorial", "gains", "theory", "remedies"]
    assert_chapter_fits(opened, address, width, "laboratory", tables)
    scrolling = opened.page.locator("#laboratory :is(.scroll, .equation)")
    assert set(scrolling.evaluate_all("all => all.map(e => e.tabIndex)")) == {0}  # reached by keyboard


def test_the_laboratorys_tables_fit_on_paper(opened, address):
    opened.page.set_viewport_size({"width": 700, "height": 900})  # A4 between its margins
    page = opened.goto(address)
    page.emulate_media(media="print")
    cut = "all => all.filter(t => t.scrollWidth > t.parentElement.clientWidth).map(t => t.id)"
    assert page.locator("#laboratory table").evaluate_all(cut) == []
    page.emulate_media(media="screen")
