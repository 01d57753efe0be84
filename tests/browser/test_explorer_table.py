"""The explorer's table in a real browser, and what is saved and copied: the tables' own numbers."""

import re
from io import StringIO

import pandas as pd
import pytest
from explorer_page import (
    SQUARES,
    STATUS,
    assert_same,
    chart,
    choose,
    click_square,
    column,
    heading,
    order,
    saved,
    saved_table,
    state,
)
from PIL import Image
from window import until


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
