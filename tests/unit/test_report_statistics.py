"""The report's chapter on statistics says what its tables hold, and what is inside the noise."""

import re

import pytest
import report_folder
import synthetic
from html_page import Page
from report_folder import SMALL_GRID

from gradgrid.core.statistics_tables import STATISTICS_TABLES, behind_best
from gradgrid.report import statistics


def made(**levels):
    """The tables of the statistics of a synthetic grid, texts as plain objects, and its number of seeds."""
    tables = synthetic.tables(**{**SMALL_GRID, **levels})
    found = {name: tables[name] for name in STATISTICS_TABLES}
    for name, frame in found.items():
        found[name] = frame.astype(dict.fromkeys(frame.select_dtypes("category"), object))
    return found, tables["runs"]["seed"].nunique()


def chapter(**levels):
    tables, seeds = made(**levels)
    return statistics.chapter(tables, [], seeds)


def rows(table):
    return [[title, *row] for title, group in table.groups for row in group]


def test_every_level_but_the_best_has_a_row_with_its_difference():
    tables, seeds = made()
    comparisons = tables["comparisons"]
    table = statistics.chapter(tables, [], seeds).tables["differences"]
    expected = [
        (factor, row.level, row.noise, statistics.points(row.difference))
        for factor, frame in comparisons.groupby("factor", sort=False)
        for row in behind_best(frame).itertuples()
    ]
    assert [(row[0], row[1], row[3], row[4]) for row in rows(table)] == expected
    assert len(table.headings) == len(rows(table)[0]) == 11


def test_shares_and_ranks_are_those_of_the_tables():
    tables, seeds = made()
    found = statistics.chapter(tables, [], seeds).tables
    assert [row[1] for row in rows(found["variance"])] == tables["effects"]["effect"].tolist()
    assert [row[0] for row in rows(found["ranks"])] == tables["ranks"]["initializer"].tolist()
    apart = (
        tables["ranks"]["mean_rank"] - tables["ranks"]["mean_rank"].iloc[0]
        >= tables["ranks"]["critical_difference"]
    )
    assert [row[1] for row in rows(found["ranks"])] == ["–", *("yes" if far else "no" for far in apart[1:])]


def test_what_is_inside_the_noise_is_named_factor_by_factor():
    tables, _ = made()
    comparisons = tables["comparisons"]
    said = list(statistics.noise(comparisons))
    assert len(said) == comparisons["factor"].nunique()
    everything = comparisons.assign(noise="inside")
    assert all(
        sentence.endswith("every difference is inside the noise.")
        for sentence in statistics.noise(everything)
    )
    nothing = comparisons.assign(noise="outside")
    assert all("no difference between two levels" in sentence for sentence in statistics.noise(nothing))
    pair = {"uniform", "lecun_normal"}
    one = nothing.assign(
        noise=["inside" if {row.level, row.reference} == pair else "outside" for row in nothing.itertuples()]
    )
    assert "Initializer: 1 pair of 3 inside the noise: lecun_normal and uniform." in list(
        statistics.noise(one)
    )


def test_one_seed_is_said_to_tell_nothing_from_noise():
    one = chapter(seeds=1)
    assert "nothing here can be told from noise" in one.reading
    assert all("inside the noise" in sentence for sentence in one.noise)
    assert not re.search(r"\bnan\b", str(one.tables))


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        (
            (0.1,),
            "All cells have the learning rate 0.1. What would want another one is not shown at its best",
        ),
        (
            (0.1, 0.5),
            "Each cell is compared at its best of 0.1, 0.5: the learning rate of highest validation",
        ),
    ],
)
def test_what_the_learning_rate_does_to_the_comparison_is_said(rates, said):
    assert chapter(learning_rates=rates).learning_rate.startswith(said)


def test_a_grid_with_nothing_to_compare_has_words_and_no_tables_but_that_of_seeds():
    one = {"depths": (2,), "activations": ("relu",), "initializers": ("lsuv",), "clippings": ("none",)}
    found = chapter(**one)
    assert (found.noise, found.learning_rate, found.tables) == ((), "", {})


def test_the_chapter_stands_in_the_report(tmp_path):
    folder = report_folder.prepare(tmp_path)
    page = Page(report_folder.build(folder))
    tables = {table.get("id") for table in page.all("table")}
    assert {f"statistics-{name}-table" for name in ("differences", "variance", "ranks")} <= tables
    assert "The sample is the 3 seeds" in page.text
