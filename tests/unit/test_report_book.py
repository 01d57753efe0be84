"""The report's chapter on the book: every number from the tables, every claim with its verdict, all escaped."""

import re

import pytest
import synthetic_book
from html_page import Page, rows, section
from report_folder import HOSTILE, RULE, VERDICTS, build, claims, figure, prepare, prepare_book, table
from scipy import stats

from gradgrid.book.recipe import LEARNING_RATE, MINIBATCH, WEIGHT_DECAY
from gradgrid.core.errors import GradgridError
from gradgrid.core.references import references
from gradgrid.report import comparisons
from gradgrid.report.book import SECTIONS, TITLE

PREPARE = prepare_book


def test_without_the_book_there_is_no_trace_of_it(tmp_path):
    text = build(prepare(tmp_path))
    assert "Nielsen" not in text
    assert 'href="#book' not in text
    assert "book/accuracy" not in text
    assert "Equation 122" not in text


def test_the_chapter_stands_before_the_grid_in_page_and_contents(page):
    sections = [a["id"] for tag, a in page.elements if tag == "section"]
    assert sections[:4] == ["findings", "run", "book", "grid"]
    contents = [a["href"] for a in page.all("a")]
    assert contents.index("#book") < contents.index("#book-chain") < contents.index("#grid")


def test_the_lead_counts_what_the_tables_hold(page):
    for words in (
        "16 networks: depth 1, 2, 3 and 4; 4 seeds; 30 epochs",
        "8 networks: depth 2 and 5; 4 seeds",
        "12 networks: depth 2, 3 and 4; activation sigmoid; 4 seeds; 3 full-batch steps",
        "40 random chains of 4 neurons",
        "16 networks: width 30 and 100; initializer lecun_normal and normal; 4 seeds; 30 epochs",
    ):
        assert words in page.text


def test_the_recipe_in_the_text_is_the_one_that_is_trained(page):
    assert f"minibatches of {MINIBATCH} images" in page.text
    assert f"a learning rate η of {LEARNING_RATE:g}, λ = {WEIGHT_DECAY:g} and the cross-entropy" in page.text


def test_every_claim_has_its_numbers_rule_and_verdict_in_words(built):
    found = [row for row in rows(built[1], "book-claims-table") if len(row) > 1]
    assert [row[-1] for row in found] == list(VERDICTS.values())
    assert [row[0] for row in found] == [f"Claim number {n}." for n in range(4)]
    measured = ["points; mean ( rule 1 )", "0.42 (0.31 to 0.53)", "0.4", "75 % of 16"]
    assert all(row[1:-1] == measured for row in found[:3])
    assert built[1].count(RULE) == 1
    assert found[3][2:-1] == ["25", "–", "75 % of 10,000"]


def test_claims_stand_under_a_link_to_the_section_that_shows_their_subject(built):
    table = built[1].partition('id="book-claims-table"')[2].partition("</table>")[0]
    bodies = table.split("<tbody")[1:]
    links = [re.findall(r'colspan="6"><a href="#([\w-]+)"', body) for body in bodies]
    assert links == [["book-accuracy"], ["book-initial-speed"], []]
    assert [re.findall(r"Claim number (\d)", body) for body in bodies] == [["0"], ["1", "2"], ["3"]]


def test_the_verdicts_are_counted(built):
    tally = section("book", built[1]).partition('<ul class="tally"')[2].partition("</ul>")[0]
    assert Page(f"<ul {tally}").text == "holds 1 holds on average 1 does not hold 1 not judged 1"


def test_accuracy_is_summarised_over_the_seeds_beside_the_book(built):
    folder, text = built
    wide = table(folder, "book", "accuracy").query("split == 'validation' and epoch > 0 and depth == 3")
    wide = 100 * wide.pivot(index="seed", columns="epoch", values="accuracy").astype(float)
    found = rows(text, "book-accuracy-table")
    assert len(found) == 8
    for row, values, when in (
        (found[4][1:], wide[30], "epoch 30"),
        (found[5], wide.max(axis=1), "best epoch"),
    ):
        half = stats.t.ppf(0.975, 3) * values.std() / 2
        below = 100 * (values < 96.57).mean()
        expected = [when, "96.57", f"{values.mean():.2f} ± {half:.2f}", f"{values.std():.2f}"]
        assert row == [*expected, f"{values.min():.2f} to {values.max():.2f}", f"{below:.0f} %", "4"]
    assert found[4][0] == "3"


def test_diverged_seeds_are_counted_and_left_out():
    frame = synthetic_book.tables(seeds=5, diverged=2, speed_depths=(2,), steps=1, chains=2)["accuracy"]
    made = comparisons.accuracy(frame)
    assert {row[-1] for _, rows in made.groups for row in rows} == {"3 of 5"}
    made = comparisons.accuracy(frame[frame["seed"] < 2])
    assert made.groups[0][1][0] == ["epoch 30", "96.48", "–", "–", "–", "–", "0 of 2"]


def test_one_seed_has_a_mean_and_no_spread():
    frame = synthetic_book.tables(seeds=1, speed_depths=(2,), steps=1, chains=2)["accuracy"]
    _, rows = comparisons.accuracy(frame).groups[1]
    assert re.fullmatch(r"\d\d\.\d\d", rows[0][2])
    assert rows[0][3] == "–"


def test_a_depth_that_the_book_lacks_has_nothing_beside_it():
    frame = synthetic_book.tables(depths=(6,), seeds=3, speed_depths=(2,), steps=1, chains=2)["accuracy"]
    ((title, rows),) = comparisons.accuracy(frame).groups
    assert title == "6"
    assert [(row[1], row[5]) for row in rows] == [("–", "–")] * 2


def test_initial_speeds_stand_beside_the_books(built):
    folder, text = built
    found = rows(text, "book-initial-speed-table")
    assert len(found) == 2 + 5  # the hidden layers of depth 2 and 5, and no output layer
    speeds = table(folder, "book", "initial_speed").query("depth == 2 and layer == 2")["bias_gradient_norm"]
    low, median, high = speeds.quantile([0.05, 0.5, 0.95])
    book = references()["book-speed-2-epoch-0"].numbers[1]
    assert found[1] == [
        "2",
        f"{book:.3f}",
        f"{median:.3f}",
        f"{low:.3f} to {high:.3f}",
        f"{100 * (speeds < book).mean():.0f} %",
        "4",
    ]
    assert found[2][1:3] == ["1", "–"]


def test_initial_weights_stand_beside_the_books(built):
    folder, text = built
    found = rows(text, "book-initialization-table")
    frame = table(folder, "book", "initialization").query("split == 'validation' and width == 30")
    large = 100 * frame[frame["initializer"] == "normal"].pivot(
        index="seed", columns="epoch", values="accuracy"
    )
    assert found[1][0] == "normal, N(0, 1)"
    assert (found[1][1], found[1][3]) == ("86.43", "96.37")
    assert found[1][2].startswith(f"{large[1].mean():.2f} ± ")
    assert found[1][4].startswith(f"{large[30].mean():.2f} ± ")
    assert [row[0] for row in found] == ["30", "normal, N(0, 1)", "100", "normal, N(0, 1)"]


def test_problems_show_computed_and_expected(built):
    found = rows(built[1], "book-problems-table")
    assert found[0] == ["range of activations"]
    assert found[1] == ["weight with the widest range Nielsen, ch. 5, problems", "6.9081", "6.9"]
    assert found[-1][1:] == ["0.0012", "–"]


def test_sections_without_a_figure_stay_and_further_figures_do_not(built):
    text = section("book", built[1])
    assert text.count("<h3 id=") == len(SECTIONS)
    assert text.count('<figure id="figure-') == 2
    assert "Further figures" not in text


def test_the_equations_have_the_books_numbers(built):
    text = section("book", built[1])
    assert re.findall(r"<span>\((\d+)\)</span>", text) == ["122", "124", "123"]


def test_other_data_is_said_at_the_head(tmp_path, page):
    assert "These are not MNIST images" not in page.text
    text = Page(section("book", build(prepare_book(tmp_path, dataset="digits")))).text
    assert text.index("These are not MNIST images") < text.index("Chapter 5 of Michael Nielsen")
    assert "96.48" in text


def test_hostile_texts_stay_text(tmp_path):
    folder = prepare_book(tmp_path)
    changed = dict.fromkeys(("claim", "measure", "rule", "verdict"), HOSTILE)
    problems = table(folder, "book", "problems").assign(problem=HOSTILE, quantity=HOSTILE, source=HOSTILE)
    synthetic_book.write(folder / "book", {"claims": claims("mnist", **changed), "problems": problems})
    figure(folder / "figures", "book_new", TITLE, 290, title=HOSTILE, caption=HOSTILE)
    text = build(folder)
    page = Page(text)
    assert len(page.all("script")) == 5
    assert page.text.count(HOSTILE) >= 3 * 4 + 1 + 3 * 3
    assert text.count("</table>") == text.count("<table")


def test_an_empty_table_is_a_clear_error(tmp_path):
    folder = prepare_book(tmp_path)
    synthetic_book.write(folder / "book", {"claims": claims("mnist").iloc[:0]})
    with pytest.raises(GradgridError, match=r"claims\.parquet holds no rows"):
        build(folder)


def test_tables_of_other_data_than_the_grid_are_refused(tmp_path):
    folder = prepare_book(tmp_path)
    synthetic_book.write(folder / "book", {"claims": claims("digits")})
    with pytest.raises(
        GradgridError, match=r"claims\.parquet holds digits, but the grid was trained on mnist"
    ):
        build(folder)
