"""What the tests of the explorer do with its page: choose, read, save."""

from io import StringIO
from urllib.parse import parse_qs

import numpy as np
import pandas as pd

STATUS = "#cells-status"
SQUARES = "[...document.querySelectorAll('#explorer-map .mark-rect path')].map(p => [p, p.__data__.datum])"


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
