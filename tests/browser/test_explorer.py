"""The explorer in a real browser: what is clicked, typed, sent and saved shows and holds what the tables hold."""

import re
from io import StringIO
from urllib.parse import parse_qs

import numpy as np
import pandas as pd
import partial_tables
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from report_folder import build, prepare
from window import READY, until

STATUS = "#cells-status"
SQUARES = "[...document.querySelectorAll('#explorer-map .mark-rect path')].map(p => [p, p.__data__.datum])"


@pytest.fixture(scope="module")
def tables(folder):
    """The tables that the report was made from."""

    def read(name: str) -> pd.DataFrame:
        frame = pd.read_parquet(folder / "tables" / f"{name}.parquet")
        return frame.astype(dict.fromkeys(frame.select_dtypes("category").columns, object))

    return read


@pytest.fixture(scope="module")
def cell(tables):
    """The row of a cell by depth, activation, initializer and clipping."""
    cells = tables("cells").set_index(["depth", "activation", "initializer", "clipping"])
    return lambda *levels: cells.loc[levels]


def state(page) -> dict[str, str]:
    """The fields of the address."""
    return page.evaluate("Object.fromEntries(new URLSearchParams(location.hash.replace('#explorer?', '')))")


def fields(link: str) -> dict[str, list[str]]:
    return parse_qs(link.partition("#explorer?")[2], strict_parsing=True)


def column(page, name: str) -> list[str]:
    """The texts of a column of the table."""
    number = page.locator("#cells-table thead th").evaluate_all(
        f"all => all.findIndex(th => th.querySelector('[data-column={name}]'))"
    )
    return page.locator(f"#cells-table tbody td:nth-child({number + 1})").all_text_contents()


def heading(page, name: str):
    return page.locator(f"#cells-table [data-column={name}]")


def order(page, name: str) -> str:
    return heading(page, name).locator("..").get_attribute("aria-sort")


def choose(page, form: str, **fields: str) -> None:
    for name, value in fields.items():
        page.select_option(f"{form} [name={name}]", value=value)


def set_levels(page, card: str, **levels: str) -> None:
    for name, level in levels.items():
        page.select_option(f"#{card} [name={name}]", label=level)


def levels(page, card: str) -> list[str]:
    """The levels that the selects of a card show."""
    return page.locator(f"#{card} .levels select").evaluate_all(
        "all => all.map(s => s.selectedOptions[0].text)"
    )


def chart(page, name: str, card: str = "card-a"):
    return page.locator(f"#{card} [data-chart={name}]")


def saved(page, figure, kind: str) -> bytes:
    """What the button of a figure saves."""
    with page.expect_download() as download:
        figure.locator(f"[data-save={kind}]").click()
    assert download.value.suggested_filename == f"{figure.get_attribute('data-name')}.{kind}"
    return download.value.path().read_bytes()


def saved_table(page, figure) -> pd.DataFrame:
    return pd.read_csv(StringIO(saved(page, figure, "csv").decode()), keep_default_na=False, na_values=[""])


def assert_same(found: pd.DataFrame, table: pd.DataFrame, *keys: str) -> None:
    """The same rows in any order, numbers as float32 bit for bit."""
    found, table = (
        frame.sort_values([*keys]).reset_index(drop=True) for frame in (found, table[found.columns])
    )
    assert len(found) == len(table) > 0
    for name in found.columns:
        if pd.api.types.is_numeric_dtype(table[name]):
            np.testing.assert_array_equal(found[name].to_numpy("float32"), table[name].to_numpy("float32"))
        else:
            assert found[name].tolist() == table[name].tolist()


def click_square(page, cell_id: str) -> None:
    page.locator("#explorer-map").scroll_into_view_if_needed()
    x, y = page.evaluate(
        f"(() => {{ const r = {SQUARES}.find(([p, d]) => d?.id === '{cell_id}')[0].getBoundingClientRect();"
        " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
    )
    page.mouse.click(x, y)


def test_cells_start_with_the_best_and_end_with_those_without_a_mean(page):
    assert order(page, "validation_accuracy") == "descending"
    shown = column(page, "validation_accuracy")
    assert len(shown) == 100
    means = [float(text.split(" ")[0]) for text in shown if text != "–"]
    assert means == sorted(means, reverse=True)
    assert page.inner_text(STATUS) == "144 of 144 cells, sorted by validation accuracy, %, descending"


def test_a_heading_sorts_by_keyboard_and_turns_round(page):
    heading(page, "depth").press("Enter")
    assert (order(page, "depth"), order(page, "validation_accuracy")) == ("ascending", "none")
    depths = list(map(int, column(page, "depth")))
    assert depths == sorted(depths)
    page.keyboard.press("Enter")  # the heading keeps the focus
    assert order(page, "depth") == "descending"
    assert column(page, "depth")[0] == "12"
    assert state(page)["sort"] == "-depth"


def test_a_missing_value_comes_last_in_both_directions(page):
    for _ in range(2):
        heading(page, "gradient_slope").click()  # depth 1 has none
        page.locator("#cells-scroll").evaluate("scroller => { scroller.scrollTop = scroller.scrollHeight; }")
        until(page, "document.querySelectorAll('#cells-table tbody tr').length === 144")
        assert column(page, "gradient_slope")[-1] == "–"
        assert column(page, "gradient_slope")[0] != "–"
    assert page.locator("#cells-table tbody tr").last.get_attribute("aria-rowindex") == "145"


def test_filters_are_of_table_and_map_and_stand_in_the_address(page):
    choose(page, "#cells-filters", activation="sigmoid")
    page.fill("#cells-filters [name=search]", "kaiming norm=1")
    until(page, f"document.querySelector('{STATUS}').textContent.startsWith('12 of 144')")
    assert set(column(page, "activation")) == {"sigmoid"}
    assert set(column(page, "initializer")) == {"kaiming_normal"}
    until(page, f"{SQUARES}.filter(([p, d]) => d?.match).length >= 12")
    full = page.evaluate(f"new Set({SQUARES}.filter(([p, d]) => d?.match).map(([p, d]) => d.id)).size")
    assert full == 12
    assert (state(page)["f.activation"], state(page)["search"]) == ("sigmoid", "kaiming norm=1")
    page.click("#cells-filters [type=reset]")
    until(page, f"document.querySelector('{STATUS}').textContent.startsWith('144 of 144')")
    assert "search" not in state(page)


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


def test_saved_numbers_are_the_tables(page, tables, cell):
    wanted = cell(4, "relu", "uniform", "norm=1")["cell_id"]
    click_square(page, wanted)
    page.wait_for_selector("#card-a [data-chart=norm] svg")
    names = ("gradients", "accuracy", "clipping")
    of = {
        name: frame[frame["cell_id"] == wanted] for name, frame in zip(names, map(tables, names), strict=True)
    }
    assert_same(saved_table(page, chart(page, "heat")), of["gradients"], "seed", "step", "layer")
    assert_same(saved_table(page, chart(page, "accuracy")), of["accuracy"], "seed", "step", "split")
    assert_same(saved_table(page, chart(page, "norm")), of["clipping"], "seed", "epoch")
    found = saved_table(page, page.locator("#explorer-map"))
    means = tables("cells").rename(columns={"validation_accuracy_mean": "validation_accuracy"})
    found["validation_accuracy"] = pd.to_numeric(found["validation_accuracy"])
    assert_same(found, means, "cell_id")


def test_the_table_is_saved_and_copied_with_the_columns_picked(page, tables):
    page.click("#cells-columns summary")
    page.uncheck("#cells-columns [value=test_accuracy]")
    page.check("#cells-columns [value=train_accuracy]")
    choose(page, "#cells-filters", depth="2")
    page.click("#cells-copy-csv")
    until(page, "document.querySelector('#cells-copy-csv').textContent === 'Copied'")
    found = pd.read_csv(
        StringIO(page.evaluate("navigator.clipboard.readText()")), keep_default_na=False, na_values=[""]
    )
    assert "train_accuracy_low" in found
    assert "test_accuracy_mean" not in found
    assert_same(found, tables("cells").query("depth == 2"), "cell_id")
    page.click("#cells-copy-latex")
    until(page, "document.querySelector('#cells-copy-latex').textContent === 'Copied'")
    latex = page.evaluate("navigator.clipboard.readText()")
    assert "training accuracy, \\%" in latex
    assert "kaiming\\_normal" in latex
    assert re.search(r"& \d\d\.\d \$\\pm\$ \d", latex)
    assert latex.count("\\\\\n") == 13
    with page.expect_download() as download:
        page.click("#cells-save-csv")
    assert download.value.suggested_filename == "cells.csv"


@pytest.mark.parametrize("figure", ["#explorer-map", "#card-a [data-chart=heat]", "#figure-speed"])
def test_every_figure_is_saved_as_a_drawing_and_as_a_picture(page, figure, tmp_path):
    found = page.locator(figure)
    drawing = saved(page, found, "svg").decode()
    assert drawing.startswith(("<svg", "<?xml"))
    assert "</svg>" in drawing
    (tmp_path / "saved.png").write_bytes(saved(page, found, "png"))
    with Image.open(tmp_path / "saved.png") as picture:
        assert min(picture.size) > 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
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
