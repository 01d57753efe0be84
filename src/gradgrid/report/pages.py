"""Tables as pages of their own, to be looked at where no parquet is read: in Snakemake's report, in a browser."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
from jinja2 import Template

from gradgrid.core.files import replacing
from gradgrid.core.results import RESULTS
from gradgrid.report.inputs import whole
from gradgrid.report.numbers import count, number

MOST_ROWS = 2000
"""So many rows a browser still scrolls well; the table itself has them all."""

_PAGE = Template(
    """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{{ table.name }}</title>
<style>
body { font: 14px/1.4 system-ui, sans-serif; margin: 1rem; color: #222; background: #fff }
table { border-collapse: collapse }
th, td { padding: 2px 8px; text-align: left; white-space: nowrap; border-bottom: 1px solid #ddd }
th { position: sticky; top: 0; background: #f2f2f2 }
.number { text-align: right; font-variant-numeric: tabular-nums }
</style>
<h1>{{ table.name }}</h1>
<p>A row is {{ table.row }}. {{ said }} Rest on a column's name to see what it means.</p>
<table id="{{ table.name }}">
<thead><tr>
{%- for column, numeric in columns %}
<th title="{{ column.description }} ({{ column.unit }})"{{ ' class=number' if numeric }}>{{ column.name }}</th>
{%- endfor %}
</tr></thead>
<tbody>
{%- for row in rows %}
<tr>{% for text in row %}<td{{ ' class=number' if columns[loop.index0][1] }}>{{ text }}</td>{% endfor %}</tr>
{%- endfor %}
</tbody>
</table>
</html>
""",
    autoescape=True,
)


def write_pages(tables: Path, pages: Iterable[Path]) -> None:
    """Write each page, an HTML file, from the table of its name in the folder ``tables``.

    Raises GradgridError for a table that cannot be read or is of another version.
    """
    for path in pages:
        with replacing(path) as part:
            part.write_text(_page(tables, path.stem), encoding="utf-8", newline="\n")


def _page(tables: Path, name: str) -> str:
    table, frame = RESULTS[name], whole(tables, name)
    shown = frame[[column.name for column in table.columns]].head(MOST_ROWS)
    return _PAGE.render(
        table=table,
        said=f"All {count(len(frame))} rows."
        if len(shown) == len(frame)
        else _cut(len(shown), len(frame), name),
        columns=[(column, pd.api.types.is_numeric_dtype(shown[column.name])) for column in table.columns],
        rows=_rows(shown),
    )


def _cut(shown: int, rows: int, name: str) -> str:
    return f"The first {count(shown)} of {count(rows)} rows; results/tables/{name}.parquet has all."


def _rows(frame: pd.DataFrame) -> Iterator[Iterator[str]]:
    """Numbers to four digits."""
    for row in frame.itertuples(index=False):
        yield (number(value) if isinstance(value, float) else str(value) for value in row)
