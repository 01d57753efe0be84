"""The report's chapter on the laboratory: every number from the tables, theory beside measurement, all escaped."""

import re

import numpy as np
import pandas as pd
import pytest
import synthetic_laboratory
from html_page import Page
from report_folder import arguments, build, figure, prepare, prepare_laboratory
from test_report_book import rows

from gradgrid import report
from gradgrid.core.errors import GradgridError
from gradgrid.core.figures import figures
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.report import propagation
from gradgrid.report.laboratory import SECTIONS, TITLE

HOSTILE = """<script>alert("x")</script>'"&</table>"""
KIND = {"width": 40, "activation": "tanh", "initializer": "normal", "seed": 0}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = prepare_laboratory(tmp_path_factory.mktemp("report"))
    return folder, build(folder)


@pytest.fixture(scope="module")
def page(built):
    return Page(built[1])


def chapter(text: str) -> str:
    """The chapter's part of the page."""
    return text.partition('<section id="laboratory"')[2].partition("<section ")[0]


def table(folder, name):
    return pd.read_parquet(folder / "laboratory" / f"{name}.parquet")


def test_without_the_laboratory_there_is_no_trace_of_it(tmp_path):
    text = build(prepare(tmp_path))
    assert 'href="#laboratory' not in text
    assert "laboratory/theory" not in text
    assert "results/laboratory" not in text
    assert "The laboratory" not in text


def test_the_chapter_stands_after_the_grid_in_page_and_contents(page):
    sections = [a["id"] for tag, a in page.elements if tag == "section"]
    assert sections[2:7] == ["speed-of-learning", "accuracy", "cells", "laboratory", "methods"]
    contents = [a["href"] for a in page.all("a")]
    assert contents.index("#cells") < contents.index("#methods")
    assert contents[contents.index("#methods") - 1] == "#laboratory"


def test_every_address_leads_somewhere_and_none_is_there_twice(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in page.all("a")} <= set(ids)
    assert {a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a} <= set(ids)


def test_the_lead_counts_what_the_tables_hold(built, page):
    points = len(table(built[0], "phase"))
    for words in (
        "40 networks: kind scaled_identity and gaussian; precision float32 and float64; "
        "scale 0.5, 0.9, 1, 1.1 and 1.5; 2 seeds; 20 layers",
        "24 networks: width 40 and 30; activation tanh and relu; initializer normal, lecun_normal and orthogonal; "
        "2 seeds; 20 layers",
        f"{points:,} points",
        "28 networks: σ_w² 0.5, 1, 1.5, 2, 2.5, 3 and 4; σ_b² 0.05; depth 5 and 10; 2 seeds",
        "24 networks: sequence rows and pixels; spectral radius 0.5, 0.9, 1, 1.1, 1.5 and 2; 2 seeds",
        "clipping none and norm=1; 2 seeds; 4 diverged",
        "pass through 20 layers",
    ):
        assert words in page.text


def propagated(**columns) -> pd.DataFrame:
    """Two layers of one network that keep everything; ``columns`` change the last layer's rows."""
    kept = {"activation_std": 1.0, "gradient_std": 1.0, "saturated_fraction": 0.1, "nonfinite": False}
    return pd.DataFrame([{**KIND, "layer": 1, **kept}, {**KIND, "layer": 2, **kept, **columns}])


def overflow(*layers) -> pd.DataFrame:
    return pd.DataFrame([{**KIND, **dict(zip(propagation.LIMITS, layers, strict=True))}])


def deep_row(signals: pd.DataFrame, overflows: pd.DataFrame) -> list[str]:
    ((_, (row,)),) = propagation.deep(signals, overflows).groups
    return row


def test_a_signal_is_kept_within_a_decade_in_every_seed():
    none = overflow(np.nan, np.nan, np.nan)
    for size, kept in ((9.9, 1), (0.11, 1), (10.1, 0), (0.09, 0), (np.nan, 0)):
        assert deep_row(propagated(activation_std=size), none)[1:3] == [f"{kept} of 1", "1 of 1"]
    another = propagated(activation_std=20.0).assign(seed=1)
    assert deep_row(pd.concat([propagated(), another]), none)[1] == "0 of 1"


def test_a_gradient_that_starts_early_because_of_an_overflow_is_not_kept():
    row = deep_row(propagated(activation_std=np.nan, nonfinite=True), overflow(2, 2, 1))
    assert row == ["normal", "0 of 1", "0 of 1", "1 of 1", "2", "2", "1"]


def test_overflows_are_spans_over_activations_and_seeds():
    signals = pd.concat([propagated(), propagated().assign(activation="relu")])
    later = overflow(9, 8, 5).assign(activation="relu", seed=1)
    row = deep_row(signals, pd.concat([overflow(np.nan, 7, 4), later]))
    assert row[3:] == ["2 of 2", "9", "7 to 8", "4 to 5"]


def test_initializers_with_the_same_entries_share_a_row():
    names = ("normal", "uniform", "sparse")
    signals = pd.concat(
        propagated(activation_std=5.0 ** (n == "uniform")).assign(initializer=n) for n in names
    )
    signals.loc[(signals["initializer"] == "sparse") & (signals["layer"] == 2), "activation_std"] = 99.0
    overflows = pd.concat(overflow(None, None, None).assign(initializer=name) for name in names)
    ((width, found),) = propagation.deep(signals, overflows).groups
    assert (width, [row[0] for row in found]) == ("40", ["normal, uniform", "sparse"])


def test_initializations_by_hand_show_three_deviations_and_the_p_value(built):
    folder, text = built
    found, frame = rows(text, "laboratory-by-hand-table"), table(folder, "by_hand")
    assert len(found) == len(frame)
    row = frame.iloc[1]
    deviations = [f"{row[name]:.5f}" for name in ("std_by_hand", "std_by_library", "std_expected")]
    assert found[1] == [row["initializer"], row["formula"], *deviations, f"{row['p_value']:.2f}"]


@pytest.mark.parametrize(
    ("measured", "published", "rounding", "agrees"),
    [
        (0.7571136, 0.757114, 0.0, "to all digits"),
        (1.59825, 1.6, 0.0, "to all digits"),
        (0.64423746, 0.644222, 3.6e-5, "within rounding"),
        (0.64423746, 0.644222, 1e-6, "no"),
        (1.322983e36, 1.32298e36, 0.0, "to all digits"),
        (1.322999e36, 1.32298e36, 3e29, "no"),
    ],
)
def test_published_digits_are_compared_as_far_as_they_go(measured, published, rounding, agrees):
    row = {
        "id": "tutorial-tanh-xavier",
        "layer": 1,
        "measured": measured,
        "published": published,
        "rounding": rounding,
    }
    ((title, (cells,)),) = propagation.tutorial(pd.DataFrame([row])).groups
    assert title == "layer standard deviation; 256 neurons, tanh, xavier_uniform with gain 5/3, seed 1"
    assert cells[0] == "1"
    assert cells[-1] == agrees


def test_the_four_gains_stand_beside_each_other(built):
    folder, text = built
    frame = table(folder, "gains").set_index("activation")
    found = {row[0]: row[1:] for row in rows(text, "laboratory-gains-table")}
    assert found["relu"] == [f"{value:.4f}" for value in frame.loc["relu"].astype(float)]
    without = frame.reset_index().assign(torch_gain=np.nan)
    assert propagation.gains(without).groups[0][1][0][-1] == "–"


def compared(**columns) -> pd.DataFrame:
    """Kinds of networks as in table ``theory``, with the measured factors of ``columns`` and a predicted one of 1."""
    frame = pd.DataFrame({"width": 40, "activation": "tanh", "inputs": "standard_normal", **columns})
    measured = frame["factor_measured"]
    return frame.assign(factor_predicted=1.0, low=measured - 0.02, high=measured + 0.02)


def test_the_largest_differences_come_first_saturated_or_not():
    names = [f"uniform(high={n})" for n in range(14)]
    theory = compared(initializer=names, factor_measured=[1 + 0.01 * (-1) ** n * n for n in range(14)])
    shares = [
        propagated(saturated_fraction=0.9 if n > 9 else 0.3).assign(initializer=names[n]) for n in range(14)
    ]
    both = propagation.with_saturation(theory, pd.concat(shares))
    assert list(both["saturated"].round(2).unique()) == [0.2, 0.5]
    both["saturated"] *= 1.8  # the last four are above the bound
    groups = propagation.differences(both).groups
    assert [(title, len(found)) for title, found in groups] == [
        ("deep untrained", 10),
        ("at most 60\N{NO-BREAK SPACE}% saturated", 3),
    ]
    assert [row[2] for row in groups[0][1]] == names[:3:-1]
    assert [row[2] for row in groups[1][1]] == names[9:6:-1]
    assert groups[0][1][0][3:] == ["1.000", "0.8700", "0.8500 to 0.8900", "−13.00 %", "90 %"]


def test_networks_as_in_the_grid_have_a_group_of_their_own_and_no_saturation():
    theory = compared(initializer=["normal", "normal"], factor_measured=[1.1, 1.3])
    theory["inputs"] = ["standard_normal", "mnist"]
    groups = propagation.differences(propagation.with_saturation(theory, propagated())).groups
    assert [title for title, _ in groups][::2] == ["deep untrained", "as in the grid"]
    assert groups[2][1][0][-2:] == ["+30.00 %", "–"]


def test_initializers_that_come_to_the_same_share_a_row_of_differences():
    theory = compared(initializer=["xavier_normal", "kaiming_normal"], factor_measured=[1.1, 1.1])
    groups = propagation.differences(propagation.with_saturation(theory, propagated())).groups
    assert [[row[2] for row in found] for _, found in groups] == [["xavier_normal, kaiming_normal"]]


def test_agreement_counts_kinds_with_both_numbers_only():
    theory = compared(initializer=["normal"] * 4, factor_measured=[1.01, 1.03, 0.9, np.nan])
    assert propagation.agreement(propagation.with_saturation(theory, propagated())) == {
        "kinds": "3 kinds",
        "inside": "1",
        "median": "3.0 %",
    }
    assert propagation.agreement(propagation.with_saturation(theory[3:], propagated())) is None


def test_the_agreement_of_the_tables_stands_in_the_text(built, page):
    theory = table(built[0], "theory").dropna(subset=["factor_predicted", "factor_measured"])
    inside = (
        (theory["low"] <= theory["factor_predicted"]) & (theory["factor_predicted"] <= theory["high"])
    ).sum()
    assert f"{len(theory)} kinds of networks." in page.text
    assert f"in {inside} the prediction lies" in page.text


def test_figures_stand_in_their_sections_and_unknown_ones_at_the_end(tmp_path):
    folder = prepare_laboratory(tmp_path)
    known = [name for _, names in SECTIONS.values() for name in names]
    for order, name in enumerate([*known, "laboratory_new"]):
        figure(folder / "figures", name, TITLE, 610 + order)
    text = chapter(build(folder))
    for section, (_, names) in SECTIONS.items():
        within = text.partition(f'<h3 id="laboratory-{section.replace("_", "-")}"')[2].partition("<h3 id=")[0]
        assert re.findall(r'id="figure-(\w+)"', within) == list(names)
    assert text.rindex("Further figures") < text.index('id="figure-laboratory_new"')
    assert text.count("<figure") == len(known) + 1


def test_every_figure_of_the_chapter_has_a_section():
    drawn = {name for name, spec in figures().items() if spec.chapter == TITLE}
    assert drawn
    assert drawn <= {name for _, names in SECTIONS.values() for name in names}


def test_the_equations_are_well_formed(built):
    equations = re.findall(r"<math.*?</math>", chapter(built[1]), re.S)
    assert len(equations) == 2
    for equation in equations:
        tags = re.findall(r"<(/?)(m\w+)[^>]*?(/?)>", equation)
        depth = np.cumsum([0 if empty else -1 if closing else 1 for closing, _, empty in tags])
        assert depth[-1] == 0
        assert min(depth[:-1]) > 0


def test_other_data_is_said_at_the_head(tmp_path, page):
    assert "These are not MNIST images" not in page.text
    text = Page(chapter(build(prepare_laboratory(tmp_path, dataset="digits")))).text
    assert text.index("These are not MNIST images") < text.index("What do the initial weights alone")


def test_hostile_texts_stay_text(tmp_path):
    folder = prepare_laboratory(tmp_path)
    frame = table(folder, "by_hand").assign(initializer=HOSTILE, formula=HOSTILE)
    synthetic_laboratory.write(folder / "laboratory", {"by_hand": frame})
    figure(folder / "figures", "laboratory_new", TITLE, 690, title=HOSTILE, caption=HOSTILE)
    text = build(folder)
    page = Page(text)
    assert [element.get("type") for element in page.all("script")] == ["application/json", None]
    assert page.text.count(HOSTILE) >= len(frame) + 3  # one title over all rows, and the figure's two
    assert text.count("</table>") == text.count("<table")


def test_the_dictionary_describes_the_laboratorys_tables(page):
    for name, described in LABORATORY_TABLES.items():
        assert f"laboratory/{name} : a row is {described.row}" in page.text
        for column in described.columns:
            assert " ".join(column.description.split()) in page.text


@pytest.mark.parametrize("missing", ["linear", "propagation", "tutorial", "theory", "recurrent_training"])
def test_a_missing_table_is_a_clear_error(tmp_path, missing):
    folder = prepare_laboratory(tmp_path)
    (folder / "laboratory" / f"{missing}.parquet").unlink()
    with pytest.raises(GradgridError, match=rf"{missing}\.parquet: cannot be read"):
        build(folder)


@pytest.mark.parametrize("name", ["trainability", "theory"])
def test_tables_of_other_data_than_the_grid_are_refused(tmp_path, name):
    folder = prepare_laboratory(tmp_path)
    column = "inputs" if name == "theory" else "dataset"
    frame = table(folder, name).astype({column: str}).replace({column: {"mnist": "digits"}})
    synthetic_laboratory.write(folder / "laboratory", {name: frame})
    with pytest.raises(
        GradgridError, match=rf"{name}\.parquet holds digits, but the grid was trained on mnist"
    ):
        build(folder)


def test_figures_of_the_chapter_without_its_tables_are_an_ordinary_chapter(built):
    folder, _ = built
    out = folder / "without.html"
    report.build(*arguments(folder), out)
    text = out.read_text(encoding="utf-8")
    assert text.count("<figure") == 4
    assert 'id="the-laboratory"' in text
