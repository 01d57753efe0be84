"""The explorer in a real browser: its map, its cells side by side, and the address that holds what is seen."""

import partial_tables
import pytest
from axe_playwright_python.sync_playwright import Axe
from explorer_page import SQUARES, STATUS, chart, choose, click_square, fields, levels, set_levels, state
from report_folder import build, prepare
from window import READY, until


def test_a_click_on_a_square_opens_its_cell_and_back_leads_back(page, cell):
    before = levels(page, "card-a")
    wanted = cell(4, "sigmoid", "lecun_normal", "norm=1")
    click_square(page, wanted["cell_id"])
    until(page, f"location.hash.includes('{wanted['cell_id']}')")
    assert levels(page, "card-a") == ["4", "sigmoid", "lecun_normal", "norm=1"]
    assert page.inner_text("#card-a .word").strip() == wanted["verdict"]
    assert page.inner_text("#card-a .reason") == wanted["verdict_reason"]
    accuracy = f"{100 * wanted['validation_accuracy_mean']:.1f}"
    assert page.inner_text("#card-a .facts dd >> nth=0").startswith(f"{accuracy} (")
    assert page.locator("#card-a tbody tr").count() == 2
    page.go_back()
    until(page, "!location.hash.includes('explorer')")
    assert levels(page, "card-a") == before
    page.go_forward()
    assert levels(page, "card-a") == ["4", "sigmoid", "lecun_normal", "norm=1"]


def test_a_square_says_what_it_is_to_the_pointer(page):
    page.locator("#explorer-map").scroll_into_view_if_needed()
    page.hover("#explorer-map .mark-rect path >> nth=40")
    said = page.locator("#vg-tooltip-element.visible")
    assert "validation accuracy" in said.inner_text()
    box = said.bounding_box()
    assert box["x"] >= 0
    assert box["height"] < 120


def test_arrow_keys_move_over_the_map(page, cell):
    set_levels(page, "card-a", depth="4", activation="sigmoid", initializer="lecun_normal", clipping="none")
    page.focus("#explorer-map .plot")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert levels(page, "card-a") == ["4", "relu", "kaiming_normal", "none"]
    page.keyboard.press("ArrowDown")  # there is no further activation
    assert levels(page, "card-a") == ["4", "relu", "kaiming_normal", "none"]


def test_the_slider_moves_both_charts_of_speed(page, tables):
    steps = sorted(tables("gradients")["step"].unique())
    page.focus("#explorer-step")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert f"after {steps[3]:,} steps" in page.inner_text("#explorer-step-said")
    for name in ("heat", "speed"):
        assert chart(page, name).evaluate("figure => figure.chart.view.signal('step')") == steps[3]
    points = chart(page, "speed").locator(".mark-symbol path")
    page.wait_for_timeout(100)
    assert set(points.evaluate_all("all => all.map(p => p.__data__.datum.step)")) == {steps[3]}
    assert state(page)["step"] == str(steps[3])


def test_a_link_that_was_sent_opens_what_its_sender_saw(opened, page, address, cell):
    a, b = cell(8, "relu", "uniform", "norm=1"), cell(8, "sigmoid", "lecun_normal", "none")
    link = (
        f"{address}#explorer?a={a['cell_id']}&b={b['cell_id']}&seed=1&step=100&map=verdict&f.depth=8"
        "&sort=test_accuracy&picked=depth,test_accuracy"
    )
    opened.goto(link)
    page.wait_for_selector("#card-b [data-chart=accuracy] svg")
    assert levels(page, "card-a") == ["8", "relu", "uniform", "norm=1"]
    assert levels(page, "card-b") == ["8", "sigmoid", "lecun_normal", "none"]
    assert page.input_value("#explorer-seed") == "1"
    assert "after 100 steps" in page.inner_text("#explorer-step-said")
    assert page.input_value("#explorer-fields [name=map]") == "verdict"
    assert page.inner_text(STATUS) == "12 of 144 cells, sorted by test accuracy, %, ascending"
    assert page.locator("#cells-table thead button").all_inner_texts() == ["depth", "test accuracy, %"]
    page.click("#explorer-link")
    until(page, "document.querySelector('#explorer-link').textContent === 'Link copied'")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert fields(copied) == fields(link)


def test_a_link_within_the_page_opens_its_cell_and_back_leads_back(page, cell):
    before, wanted = levels(page, "card-a"), cell(2, "relu", "uniform", "none")["cell_id"]
    page.evaluate(f"location.hash = '#explorer?a={wanted}&step=10'")
    until(page, "document.querySelector('#explorer-step-said').textContent.startsWith('after 10 steps')")
    assert levels(page, "card-a") == ["2", "relu", "uniform", "none"]
    assert page.locator("#explorer").evaluate("e => Math.abs(e.getBoundingClientRect().top)") < 60
    set_levels(page, "card-a", depth="3")
    page.go_back()
    until(page, "document.querySelector('#card-a .levels select').selectedOptions[0].text === '2'")
    assert before != levels(page, "card-a")


def test_an_address_that_knows_too_much_is_read_as_far_as_it_goes(opened, page, address):
    opened.goto(f"{address}#explorer?a=nonsense&b=x&seed=99&step=7&rows=colour&unknown=1&f.depth=4")
    page.wait_for_selector(READY)
    assert page.inner_text(STATUS).startswith("12 of 144 cells")
    assert page.input_value("#explorer-seed") == "all"
    assert page.is_hidden("#card-b")


def test_two_cells_stand_side_by_side_on_one_scale(page):
    page.click("#explorer-compare")
    page.wait_for_selector("#card-b [data-chart=accuracy] svg")
    set_levels(page, "card-b", depth="12", activation="relu", clipping="norm=1")
    until(page, "document.querySelector('#card-b .levels select').selectedOptions[0].text === '12'")
    page.wait_for_selector("#card-b [data-chart=norm] svg")
    domains = [
        chart(page, "speed", card).evaluate("f => f.chart.view.scale('y').domain()")
        for card in ("card-a", "card-b")
    ]
    assert domains[0] == domains[1]
    page.select_option("#explorer-seed", "0")
    until(page, "document.querySelector('#card-b tr[aria-current] button').textContent === '0'")
    lines = "f => new Set([...f.querySelectorAll('.mark-symbol path')].map(p => p.__data__.datum.line))"
    page.wait_for_timeout(300)
    for card in ("card-a", "card-b"):
        assert chart(page, "speed", card).evaluate(f"f => [...({lines})(f)]") == ["seed 0"]
    page.click("#explorer-compare")
    assert page.is_hidden("#card-b")


def test_the_map_is_laid_out_as_the_reader_wants(page):
    choose(page, "#explorer-fields", map="verdict", across="", down="", rows="depth")
    until(page, "document.querySelector('#explorer-held').textContent.startsWith('As in cell A')")
    ids = page.evaluate(f"new Set({SQUARES}.map(([p, d]) => d?.id).filter(Boolean)).size")
    assert ids == 12 * 3  # depths × initializers


def test_charts_follow_the_theme(page):
    ground = "document.querySelector('#card-a [data-chart=accuracy]').chart.view.background()"
    assert page.evaluate(ground) == "#ffffff"
    page.emulate_media(color_scheme="dark")
    until(page, f"{ground} === '#1c1f24'")


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_axe_finds_no_violation(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.click("#explorer-compare")
    page.wait_for_selector("#card-b [data-chart=accuracy] svg")
    page.click("#cells-columns summary")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]})
    assert found.response["violations"] == [], found.generate_report()


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_it_fits_windows_of_three_widths(page, width, tmp_path):
    page.set_viewport_size({"width": width, "height": 1000})
    page.click("#explorer-compare")
    page.wait_for_selector("#card-b [data-chart=accuracy] svg")
    page.wait_for_timeout(400)  # charts are drawn anew when the window has its width
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    inside = "all => all.every(p => p.scrollWidth <= p.clientWidth + 1)"
    assert page.locator(".card .plot").evaluate_all(inside)
    page.locator("#explorer").scroll_into_view_if_needed()
    page.screenshot(path=tmp_path / f"explorer_{width}.png")


def test_cells_without_runs_are_crossed_out(opened, tmp_path):
    folder = prepare(tmp_path)
    partial_tables.write(folder / "tables")
    build(folder)
    page = opened.goto((folder / "report" / "index.html").as_uri())
    page.wait_for_selector(READY)
    signs = page.locator("#explorer-map .mark-text path, #explorer-map .mark-text text").all_text_contents()
    assert signs.count("×") == 14
    set_levels(page, "card-a", depth="4")
    until(page, "document.querySelector('#card-a .word').textContent === 'not there yet'")
    assert opened.problems == []


HOSTILE = """<img src=x onerror=alert(1)>'"&</title>"""


def test_hostile_names_stay_text(opened, tmp_path):
    folder = prepare(tmp_path, initializers=("lecun_normal", HOSTILE))
    build(folder)
    page = opened.goto((folder / "report" / "index.html").as_uri())
    page.wait_for_selector(READY)
    page.hover("#explorer-map .mark-rect path >> nth=3")
    assert opened.problems == []
    assert page.locator("img[onerror], [src=x]").count() == 0
