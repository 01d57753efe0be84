"""Tables as pages of their own: every number and meaning in them, and of very long tables the first rows."""

import pandas as pd
import pytest
from html_page import Page, rows
from report_folder import HOSTILE, prepare

from gradgrid.core.parquet import write_frame
from gradgrid.core.results import RESULTS
from gradgrid.report import pages, write_pages
from gradgrid.report.numbers import number


@pytest.fixture
def folder(tmp_path):
    return prepare(tmp_path)


def written(folder, name):
    page = folder / "out" / f"{name}.html"
    write_pages(folder / "tables", [page])
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["cells", "comparisons", "effects", "ranks"])
def test_a_page_has_every_row_and_column_with_its_meaning(folder, name):
    text, frame = written(folder, name), pd.read_parquet(folder / "tables" / f"{name}.parquet")
    page = Page(text)
    meanings = {attributes["title"] for attributes in page.all("th")}
    assert meanings == {f"{column.description} ({column.unit})" for column in RESULTS[name].columns}
    names = [column.name for column in RESULTS[name].columns]
    columns = dict(zip(names, zip(*rows(text, name), strict=True), strict=True))
    for column, texts in columns.items():
        is_float = column in frame.select_dtypes("float")
        assert list(texts) == [number(value) if is_float else str(value) for value in frame[column]]
    assert f"All {len(frame)} rows." in page.text


def test_of_a_long_table_the_first_rows_are_shown_and_the_page_says_so(folder, monkeypatch):
    monkeypatch.setattr(pages, "MOST_ROWS", 3)
    text = written(folder, "cells")
    assert "The first 3 of 36 rows; results/tables/cells.parquet has all." in text
    assert len(rows(text, "cells")) == 3


def test_texts_are_no_markup(folder):
    path = folder / "tables" / "ranks.parquet"
    write_frame(pd.read_parquet(path).assign(initializer=HOSTILE), RESULTS["ranks"], path)
    text = written(folder, "ranks")
    assert "<script" not in text
    assert {row[1] for row in rows(text, "ranks")} == {HOSTILE}
