"""Generates ``docs/outputs.md``, the description of everything a run of the project writes.

python -m gradgrid.core.dictionary            # print it
python -m gradgrid.core.dictionary --fix      # write docs/outputs.md
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from gradgrid.core.book_tables import BOOK_TABLES
from gradgrid.core.columns import Column
from gradgrid.core.files import replacing
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.statistics_tables import STATISTICS_TABLES
from gradgrid.core.tables import FACTORS, JUDGED_RUNS, TABLES, Table

FILES = (
    ("results/data/dataset.npz", "the images and labels, split as in the book"),
    ("results/data/dataset.json", "which dataset was used, from where, its checksums, sizes and digest"),
    ("results/grid/TABLE/depth=…/….parquet", "what each bundle of runs wrote: the source of the tables"),
    ("results/tables/TABLE.parquet", "the tables below, over the whole grid"),
    ("results/book/TABLE.parquet", "the tables of the book's chapter"),
    ("results/laboratory/TABLE.parquet", "the tables of the laboratory"),
    ("results/figures/NAME.svg, NAME.png", "the figures"),
    (
        "results/figures/NAME.csv",
        "what each figure was drawn from; of 20,000 rows or more, medians over seeds and images, `rows` at a time",
    ),
    ("results/figures/NAME.json", "each figure's title, caption, alternative text, source table and units"),
    (
        "results/provenance.json",
        "versions, hardware, operating system, git state, data, settings, and what jobs used",
    ),
    ("results/logs/", "one log for each job"),
    ("results/benchmarks/", "time and memory of each job that trains or measures, by its latest run"),
    ("report/index.html", "the report: one file that needs no network"),
    ("report/tables/TABLE.html", "cells and statistics to look at in a browser, at most 2,000 rows of each"),
)

HEAD = """\
# Outputs

Generated from `columns.py`, `tables.py`, `statistics_tables.py`, `book_tables.py` and `laboratory_tables.py`
in `src/gradgrid/core` by `python -m gradgrid.core.dictionary --fix`; do not edit.

## Files

| file | what it holds |
| --- | --- |
"""

TABLES_HEAD = """
## Tables

Parquet, compressed with zstd. Every field carries its unit and description in its metadata
(`pyarrow.parquet.read_schema(path).field("layer").metadata`); the unit `1` is a pure number.
One `pandas.read_parquet` is enough, because the factors stand in every table:

"""


STATISTICS_HEAD = """
## Tables of the statistics

In `results/tables` beside the others, each over the whole grid; [methods.md](methods.md) says what their numbers mean.
"""

BOOK_HEAD = """
## Tables of the book's chapter

In `results/book`, parquet of the same kind.
"""

LABORATORY_HEAD = """
## Tables of the laboratory

In `results/laboratory`, parquet of the same kind.
"""


def markdown() -> str:
    """The whole of ``docs/outputs.md``."""
    files = "".join(f"| `{path}` | {what} |\n" for path, what in FILES)
    tables = "".join(
        _section(table.name, table, FACTORS) for table in (TABLES | {"runs": JUDGED_RUNS}).values()
    )
    statistics = STATISTICS_HEAD + "".join(_section(t.name, t) for t in STATISTICS_TABLES.values())
    book = BOOK_HEAD + _sections("book", BOOK_TABLES)
    laboratory = LABORATORY_HEAD + _sections("laboratory", LABORATORY_TABLES)
    return HEAD + files + TABLES_HEAD + _rows(FACTORS) + tables + statistics + book + laboratory


def _sections(folder: str, tables: Mapping[str, Table]) -> str:
    return "".join(_section(f"{folder}/{table.name}", table) for table in tables.values())


def _section(title: str, table: Table, besides: tuple[Column, ...] = ()) -> str:
    own = tuple(column for column in table.columns if column not in besides)
    columns = "Columns beside the factors:" if besides else "Columns:"
    return f"\n### {title}\n\nA row is {table.row}. {columns}\n\n" + _rows(own)


def _rows(columns: tuple[Column, ...]) -> str:
    head = "| column | type | unit | meaning |\n| --- | --- | --- | --- |\n"
    return head + "".join(
        f"| `{c.name}` | {type_name(c)} | {_cell(c.unit)} | {_cell(c.description)} |\n" for c in columns
    )


def type_name(column: Column) -> str:
    """The column's type as a reader of tables says it: text, int32, float32, …"""
    if pa.types.is_dictionary(column.type) or pa.types.is_string(column.type):
        return "text"
    return {"float": "float32", "double": "float64"}.get(str(column.type), str(column.type))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: list[str] | None = None) -> None:
    """Print the page, or write it with ``--fix``."""
    parser = argparse.ArgumentParser(description="Describe the outputs of GradGrid from the tables' schemas.")
    parser.add_argument("--fix", action="store_true", help="write the page instead of printing it")
    parser.add_argument("path", nargs="?", type=Path, default=Path("docs/outputs.md"))
    options = parser.parse_args(arguments)
    if options.fix:
        with replacing(options.path) as part:
            part.write_text(markdown(), encoding="utf-8", newline="\n")
    else:
        print(markdown(), end="")


if __name__ == "__main__":
    main()
