"""docs/outputs.md says what the tables' schemas say."""

from pathlib import Path

from gradgrid.core import dictionary
from gradgrid.core.book_tables import BOOK_TABLES
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.results import RESULTS

PAGE = Path(__file__).parents[2] / "docs" / "outputs.md"


def test_the_page_is_the_generated_one():
    assert PAGE.read_text(encoding="utf-8") == dictionary.markdown(), (
        "docs/outputs.md is out of date: run `python -m gradgrid.core.dictionary --fix`"
    )


def test_every_column_of_every_table_is_described_with_a_unit():
    for table in (*RESULTS.values(), *BOOK_TABLES.values(), *LABORATORY_TABLES.values()):
        for column in table.columns:
            assert (
                f"| `{column.name}` | {dictionary.type_name(column)} | {column.unit} |"
                in dictionary.markdown()
            )
            assert column.description


def test_fix_writes_the_page(tmp_path):
    dictionary.main(["--fix", str(tmp_path / "outputs.md")])
    assert (tmp_path / "outputs.md").read_text(encoding="utf-8") == dictionary.markdown()


def test_without_fix_the_page_is_printed(capsys):
    dictionary.main([])
    assert capsys.readouterr().out == dictionary.markdown()
