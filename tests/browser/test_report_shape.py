"""The report's shape in a real browser: theme, contents, phone, paper, descriptions, questions."""

import pytest
from explorer_page import fields, levels
from report_folder import build, prepare
from window import READY, Opened, until

LIGHT, DARK = "rgb(251, 250, 247)", "rgb(20, 22, 26)"


def ground(page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_theme_is_the_systems_until_the_reader_chooses_and_is_remembered(page):
    assert ground(page) == LIGHT
    page.emulate_media(color_scheme="dark")
    assert ground(page) == DARK
    page.focus("#theme [value=system]")
    page.keyboard.press("ArrowRight")
    assert page.is_checked("#theme [value=light]")
    assert ground(page) == LIGHT
    page.keyboard.press("ArrowRight")
    page.emulate_media(color_scheme="light")
    assert ground(page) == DARK
    page.reload()
    page.wait_for_selector(READY)
    assert ground(page) == DARK
    page.emulate_media(media="print")
    assert ground(page) == "rgb(255, 255, 255)"
    page.emulate_media(media="screen")
    page.check("#theme [value=system]")
    assert ground(page) == LIGHT


def test_without_a_storage_the_theme_can_be_chosen_all_the_same(browser, address):
    with browser.new_context(offline=True) as context:
        context.add_init_script(
            "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError'); } })"
        )
        opened = Opened(context)
        opened.goto(address).check("#theme [value=dark]")
        assert ground(opened.page) == DARK
        assert opened.problems == []


def test_the_contents_follow_the_reading_and_open_the_chapter_that_is_read(page):
    for chapter, part in (("grid", "accuracy"), ("methods", "methods-verdicts")):
        page.evaluate(f"document.getElementById('{part}').scrollIntoView()")
        until(page, f"document.querySelector('.toc [aria-current=location]').hash === '#{part}'")
        shown = page.locator(".toc ol ol a").evaluate_all(
            "all => all.filter(a => a.checkVisibility()).map(a => a.hash)"
        )
        assert f"#{part}" in shown
        assert page.locator(".toc [aria-current=true]").get_attribute("href") == f"#{chapter}"
        assert len(shown) == page.locator(f'.toc li:has(> a[href="#{chapter}"]) ol a').count()
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    until(page, "document.querySelector('.toc [aria-current]').hash === '#provenance'")


def test_on_a_phone_the_contents_are_a_fold_that_closes_behind_the_reader(page):
    assert page.locator(".toc details").get_attribute("open") is not None
    page.set_viewport_size({"width": 360, "height": 800})
    until(page, "!document.querySelector('.toc details').open")
    page.press(".toc summary", "Enter")
    page.click('.toc a[href="#statistics"]')
    until(page, "!document.querySelector('.toc details').open")
    until(page, "Math.abs(document.getElementById('statistics').getBoundingClientRect().top) < 60")


def test_every_picture_and_every_chart_is_described(page):
    assert page.locator("img").evaluate_all("all => all.every(image => image.alt.trim())")
    page.locator("#explorer-map").scroll_into_view_if_needed()
    charts = page.locator(".chart .plot [role=graphics-document]").evaluate_all(
        "all => all.map(chart => chart.ariaLabel)"
    )
    assert len(charts) >= 4
    assert all(charts)


def test_questions_open_the_cells_they_ask_about(page, tables):
    cells = tables("cells").set_index("cell_id")
    links = page.locator(".questions a").evaluate_all("all => all.map(a => a.hash)")
    assert len(links) >= 12
    for link in links:
        page.locator(f'.questions a[href="{link}"]').click()
        wanted = {name: value for name, (value,) in fields(link).items()}
        until(page, f"document.getElementById('card-b').hidden === {str('b' not in wanted).lower()}")
        for name in wanted.keys() & {"a", "b"}:
            asked = cells.loc[wanted[name], ["depth", "activation", "initializer", "clipping"]]
            assert levels(page, f"card-{name}") == [str(level) for level in asked]
        step = f"after {int(wanted.get('step', 0)):,} steps"
        assert page.inner_text("#explorer-step-said").startswith(step)
        assert page.input_value("#explorer-fields [name=map]") == wanted.get("map", "validation_accuracy")


def test_paper_gets_everything_unfolded_and_nothing_to_press(page):
    folds = "[...document.querySelectorAll('main details:not(#cells-columns)')]"
    page.evaluate(
        f"addEventListener('beforeprint', () => {{ window.unfolded = {folds}.every(d => d.open); }})"
    )
    assert page.pdf().startswith(b"%PDF-")
    assert page.evaluate("window.unfolded")
    assert not page.evaluate(f"{folds}.some(d => d.open)")  # as before
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")
    page.emulate_media(media="print")
    pressed = page.locator(":is(button, select, input):not(thead *)")
    assert pressed.evaluate_all("all => all.filter(b => b.checkVisibility()).length") == 0
    page.emulate_media(media="screen")


def test_a_grid_of_one_cell_without_clipping_opens(opened, tmp_path):
    levels = {"depths": (2,), "activations": ("relu",), "initializers": ("lecun_normal",), "seeds": 1}
    folder = prepare(tmp_path, **levels, clippings=("none",))
    build(folder)
    opened.goto((folder / "report" / "index.html").as_uri()).wait_for_selector(READY)
    assert opened.problems == []


@pytest.mark.parametrize(
    ("chapter", "width"),
    [
        ("statistics", 390),
        ("glossary", 1400),
        *(
            pytest.param(chapter, width, marks=pytest.mark.slow)
            for chapter, width in [("statistics", 1400), ("glossary", 390)]
            + [(chapter, width) for chapter in ("grid", "explorer") for width in (390, 1400)]
        ),
    ],
)
def test_a_link_to_a_chapter_opens_it_and_stays_there(opened, address, chapter, width):
    opened.page.set_viewport_size({"width": width, "height": 900})
    page = opened.goto(f"{address}#{chapter}")
    page.wait_for_selector(READY)
    page.wait_for_timeout(500)
    assert 0 <= page.evaluate(f"document.getElementById('{chapter}').getBoundingClientRect().top") < 100
