"""What holds of both chapters beside the grid in the report: the book's and the laboratory's."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from types import ModuleType

import pytest
from html_page import section
from report_folder import arguments, build, figure, prepare_book, prepare_laboratory

from gradgrid import report
from gradgrid.core.book_tables import BOOK_TABLES
from gradgrid.core.errors import GradgridError
from gradgrid.core.figures import figures
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.tables import Table
from gradgrid.report import book, laboratory


@dataclass(frozen=True)
class Chapter:
    """A chapter: the id of its section and its tables' folder, its module, how its tables are made and described,
    and some that it needs.
    """

    name: str
    module: ModuleType
    prepare: Callable[[Path], Path]
    tables: Mapping[str, Table]
    needed: tuple[str, ...]

    @property
    def sections(self) -> dict[str, list[str]]:
        """The figures of each of the chapter's sections."""
        return {name: list(names) for name, (_, names) in self.module.SECTIONS.items()}

    @property
    def known(self) -> list[str]:
        """The figures that have a section."""
        return [name for names in self.sections.values() for name in names]


CHAPTERS = (
    Chapter("book", book, prepare_book, BOOK_TABLES, ("accuracy", "initial_speed", "problems", "claims")),
    Chapter(
        "laboratory", laboratory, prepare_laboratory, LABORATORY_TABLES,
        ("linear", "propagation", "tutorial", "theory", "recurrent_training"),
    ),
)  # fmt: skip


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda chapter: chapter.name)
def chapter(request):
    return request.param


@pytest.fixture(scope="module")
def built(chapter, tmp_path_factory):
    folder = chapter.prepare(tmp_path_factory.mktemp("report"))
    return folder, build(folder)


def test_every_address_leads_somewhere_and_none_is_there_twice(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:].partition("?")[0] for a in page.all("a")} <= set(ids)
    assert {a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a} <= set(ids)


def test_figures_stand_in_their_sections_and_unknown_ones_at_the_end(chapter, tmp_path):
    folder, new = chapter.prepare(tmp_path), f"{chapter.name}_new"
    for order, name in enumerate([*chapter.known, new], start=200):
        figure(folder / "figures", name, chapter.module.TITLE, order)
    text = section(chapter.name, build(folder))
    for name, figures_of_section in chapter.sections.items():
        heading = f'<h3 id="{chapter.name}-{name.replace("_", "-")}"'
        within = text.partition(heading)[2].partition("<h3 id=")[0]
        assert re.findall(r'id="figure-(\w+)"', within) == figures_of_section
    assert text.rindex("Further figures") < text.index(f'id="figure-{new}"')
    assert text.count('<figure id="figure-') == len(chapter.known) + 1


def test_every_figure_of_the_chapter_has_a_section(chapter):
    drawn = {name for name, spec in figures().items() if spec.chapter == chapter.module.TITLE}
    assert drawn
    assert drawn <= set(chapter.known)


def test_the_equations_are_well_formed(chapter, built):
    equations = re.findall(r"<math.*?</math>", section(chapter.name, built[1]), re.S)
    assert len(equations) == {"book": 3, "laboratory": 2}[chapter.name]
    for equation in equations:
        tags = re.findall(r"<(/?)(m\w+)[^>]*?(/?)>", equation)
        depth = list(accumulate(0 if empty else -1 if closing else 1 for closing, _, empty in tags))
        assert depth[-1] == 0
        assert min(depth[:-1]) > 0


def test_the_dictionary_describes_the_chapters_tables(chapter, page):
    for name, described in chapter.tables.items():
        assert f"{chapter.name}/{name} : a row is {described.row}" in page.text
        for column in described.columns:
            assert " ".join(column.description.split()) in page.text


@pytest.mark.parametrize(
    ("chapter", "missing"),
    [(chapter, name) for chapter in CHAPTERS for name in chapter.needed],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_missing_table_is_a_clear_error(chapter, missing, tmp_path):
    folder = chapter.prepare(tmp_path)
    (folder / chapter.name / f"{missing}.parquet").unlink()
    with pytest.raises(GradgridError, match=rf"{missing}\.parquet: cannot be read"):
        build(folder)


def test_figures_of_the_chapter_without_its_tables_are_an_ordinary_chapter(chapter, built):
    folder, _ = built
    out = folder / "without.html"
    report.build(*arguments(folder), out)
    text = out.read_text(encoding="utf-8")
    assert text.count('<figure id="figure-') == 4
    assert f'id="{re.sub(r"[^a-z]+", "-", chapter.module.TITLE.lower())}"' in text
