"""What the chapters open and end with: numbers from the tables, links to cells that there are, a glossary."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pandas as pd
import pytest
import yaml
from html_page import Page, rows, section
from report_folder import add_laboratory, build, figure, prepare, prepare_book

from gradgrid import report
from gradgrid.core.tables import FACTOR_NAMES
from gradgrid.core.verdicts import VERDICTS
from gradgrid.report.questions import CHAPTERS

LINK = re.compile(r'href="#explorer\?([^"]+)"')


def prepare_all(folder):
    """Tables of the grid and of both chapters beside it."""
    return add_laboratory(prepare_book(folder))


PREPARE = prepare_all


@pytest.fixture(scope="module")
def cells(built):
    return pd.read_parquet(built[0] / "tables" / "cells.parquet").set_index("cell_id")


def links(text: str) -> list[dict[str, list[str]]]:
    """The states of the explorer that a text leads to."""
    return [parse_qs(found.replace("&amp;", "&"), strict_parsing=True) for found in LINK.findall(text)]


def test_every_chapter_opens_with_what_to_look_for_and_ends_with_two_or_three_questions(built):
    for chapter in ("run", "dictionary", "provenance"):
        opening = section(chapter, built[1]).partition("</h2>")[2].lstrip()
        assert opening.startswith('<div class="look"'), chapter
    for chapter in CHAPTERS:
        text = section(chapter, built[1])
        opening = text.partition("</h2>")[2].lstrip()
        assert opening.startswith('<div class="look"'), chapter
        assert 2 <= len(links(text)) <= 3, chapter
        assert text.partition('<div class="questions"')[2].partition("</div>")[2].strip() == "</section>"


def test_every_link_names_cells_and_steps_that_the_explorer_has(built, page):
    header = page.header
    for state in links(built[1]):
        assert set(state) <= {"a", "b", "seed", "step", "map"}
        for name in ("a", "b"):
            assert set(state.get(name, [])) <= set(header["ids"])
        assert int(state.get("step", ["0"])[0]) in header["times"]["gradients"]["steps"]
        assert state.get("map", ["verdict"]) == ["verdict"]


def test_two_cells_that_are_compared_differ_in_one_factor(built, cells):
    pairs = [(state["a"][0], state["b"][0]) for state in links(built[1]) if "b" in state]
    assert len(pairs) >= 6
    for a, b in pairs:
        differing = [name for name in FACTOR_NAMES if cells.loc[a, name] != cells.loc[b, name]]
        assert len(differing) == 1, (a, b)


def test_the_book_is_asked_about_with_its_own_net(built, cells):
    first = links(section("book", built[1]))[0]
    a, b = (cells.loc[first[name][0]] for name in ("a", "b"))
    assert (a["depth"], a["activation"], a["initializer"], a["clipping"]) == (
        1, "sigmoid", "lecun_normal", "none",
    )  # fmt: skip
    assert b["depth"] == cells["depth"].max()


def test_the_steepest_cell_is_the_steepest_and_its_partner_the_most_even(built, cells):
    state = links(section("grid", built[1]))[0]
    deepest = cells[(cells["depth"] == cells["depth"].max()) & (cells["clipping"] == "none")]
    assert state["a"] == [deepest["gradient_slope_mean"].idxmax()]
    of_a = cells.loc[state["a"][0]]
    others = deepest[(deepest["activation"] == of_a["activation"]) & (deepest.index != state["a"][0])]
    assert state["b"] == [others["gradient_slope_mean"].abs().idxmin()]


def test_the_exception_to_the_ranks_is_the_condition_in_which_the_last_does_best(built, cells):
    ranks = pd.read_parquet(built[0] / "tables" / "ranks.parquet")
    a, b = (cells.loc[links(section("statistics", built[1]))[0][name][0]] for name in ("a", "b"))
    first, last = ranks["initializer"].iloc[0], ranks["initializer"].iloc[-1]
    assert (a["initializer"], b["initializer"]) == (first, last)
    factors = [name for name in FACTOR_NAMES if name != "initializer"]
    means = cells.set_index(["initializer", *factors])["test_accuracy_mean"]
    ahead = (means[last] - means[first]).max()
    assert b["test_accuracy_mean"] - a["test_accuracy_mean"] == ahead


def test_a_grid_of_one_cell_has_no_question_that_it_cannot_answer(tmp_path):
    levels = {"depths": (2,), "activations": ("relu",), "initializers": ("lecun_normal",)}
    text = build(prepare(tmp_path, **levels, clippings=("none",), seeds=1))
    ids = Page(text).header["ids"]
    assert len(ids) == 1
    assert {state["a"][0] for state in links(text)} <= set(ids)
    assert not any("b" in state for state in links(text))


def test_where_all_runs_diverged_the_questions_are_those_that_have_an_answer(tmp_path):
    text = build(prepare(tmp_path, all_diverge=True))
    ids = set(Page(text).header["ids"])
    assert {cell for state in links(text) for cell in (*state["a"], *state.get("b", ()))} <= ids


def test_what_to_look_for_holds_the_tables_numbers(built, page):
    runs = pd.read_parquet(built[0] / "tables" / "runs.parquet")
    share = (runs["verdict"] == "vanishing").mean()
    assert f"{100 * share:.1f} % vanishing" in Page(section("grid", built[1])).text
    comparisons = pd.read_parquet(built[0] / "tables" / "comparisons.parquet")
    inside = (comparisons["noise"] == "inside").sum() // 2
    assert f"Of {len(comparisons) // 2} pairs of levels, {inside} cannot be told apart." in page.text


def test_the_glossary_explains_the_words_and_leads_to_where_they_are_used(built):
    text = section("glossary", built[1])
    terms = re.findall(r'<dt id="term-[\w-]+">(.*?)</dt>', text)
    assert terms == sorted(terms, key=str.lower)
    words = {
        "depth",
        "layer",
        "cell",
        "seed",
        "run",
        "bundle",
        "step",
        "epoch",
        "minibatch",
        "delta",
        "fan-in",
    }
    assert words | {"speed of learning", "probe images", "dead unit", "clipping"} <= set(terms)
    assert {word.removesuffix("s") for word in VERDICTS} <= set(terms)
    assert len(re.findall(r'href="#', text)) > len(terms)


def test_the_glossary_knows_no_section_that_no_report_has(built, page):
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    topics = {"clipping", "provenance-training"}  # this report's figures are of other topics
    text = (Path(report.__file__).parent / "templates" / "glossary.yaml").read_text(encoding="utf-8")
    assert {address for entry in yaml.safe_load(text) for address in entry["see"]} <= ids | topics


def test_the_glossary_leads_to_no_chapter_that_is_not_there(tmp_path):
    text = build(prepare(tmp_path))
    page = Page(text)
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert {a["href"][1:].partition("?")[0] for a in page.all("a")} <= ids
    assert "Length map" not in section("glossary", text)


def test_the_contents_list_every_chapter_and_section_in_the_order_of_the_page(built, page):
    links_of_contents = re.findall(
        r'href="#([\w-]+)"', built[1].partition('class="toc"')[2].partition("</nav>")[0]
    )
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    places = [ids.index(link) for link in links_of_contents]
    assert places == sorted(places)
    chapters = [attributes["id"] for tag, attributes in page.elements if tag == "section"]
    assert chapters == [
        "findings", "run", "book", "grid", "laboratory", "statistics", "explorer", "methods", "glossary", "dictionary",
        "provenance",
    ]  # fmt: skip
    assert set(chapters) <= set(links_of_contents)
    headings = [a["id"] for tag, a in page.elements if tag == "h3" and "id" in a]
    assert set(headings) <= set(links_of_contents)


def test_the_methods_give_their_formulas_without_a_network_and_in_words(built):
    text = section("methods", built[1])
    labels = re.findall(r'class="equation" role="region" aria-label="([^"]+)"', text)
    assert labels == [
        "Speed of learning", "Gradient slope", "The product of Jacobians", "Variances of a signal",
        "Variances of a gradient", "Clipping by norm and by value", "Mean rank and critical difference",
    ]  # fmt: skip
    assert text.count("<p>In words: ") == len(labels)


def test_the_outcomes_stand_in_the_chapter_on_the_grid(built):
    found = rows(section("grid", built[1]), "outcomes-title")
    runs = pd.read_parquet(built[0] / "tables" / "runs.parquet")
    assert sum(int(row[-1].replace(",", "")) for row in found) == len(runs)


def test_a_chapter_of_the_grid_is_named_as_its_figures_say(tmp_path):
    folder = prepare(tmp_path)
    figure(folder / "figures", "new", "A new <topic>", 9)
    text = section("grid", build(folder))
    assert '<h3 id="a-new-topic">A new &lt;topic&gt;</h3>' in text


def test_numbers_of_steps_are_those_kept(tmp_path):
    folder = prepare(tmp_path)
    steps = np.unique(pd.read_parquet(folder / "tables" / "gradients.parquet")["step"])
    said = {state["step"][0] for state in links(build(folder)) if "step" in state}
    assert said <= {"0", str(steps[-1])}
    assert json.loads(max(said, key=int)) == steps[-1]
