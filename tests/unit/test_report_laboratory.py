"""The report's chapter on the laboratory: every number from the tables, theory beside measurement, all escaped."""

import numpy as np
import pytest
import synthetic_laboratory
from html_page import Page, rows, section
from report_folder import HOSTILE, build, figure, prepare, prepare_laboratory, table

from gradgrid.core.errors import GradgridError
from gradgrid.core.remedies import TITLES, effects, told
from gradgrid.core.tables import FACTOR_NAMES
from gradgrid.report import propagation
from gradgrid.report.laboratory import TITLE

PREPARE = prepare_laboratory


def test_without_the_laboratory_there_is_no_trace_of_it(tmp_path):
    text = build(prepare(tmp_path))
    assert 'href="#laboratory' not in text
    assert "laboratory/theory" not in text
    assert "results/laboratory" not in text
    assert "The laboratory" not in text


def test_the_chapter_stands_after_the_grid_in_page_and_contents(page):
    sections = [a["id"] for tag, a in page.elements if tag == "section"]
    assert sections[2:6] == ["grid", "laboratory", "statistics", "explorer"]
    contents = [a["href"] for a in page.all("a")]
    assert contents.index("#grid") < contents.index("#laboratory-linear") < contents.index("#statistics")


def test_the_lead_counts_what_the_tables_hold(built, page):
    points = len(table(built[0], "laboratory", "phase"))
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


def test_the_remedies_are_told_ladder_by_ladder_as_the_table_has_them(built, page):
    folder, text = built
    frame = table(folder, "laboratory", "remedies")
    found = effects(frame)
    trained = frame.drop_duplicates([*FACTOR_NAMES, "seed"])
    lost = (trained["status"] == "diverged").sum()
    assert f"{len(trained)} networks: depth 8 and 16; activation sigmoid, tanh," in page.text
    assert f"2 seeds; {lost} diverged" in page.text
    for (ladder, case), rungs in found.groupby(["ladder", "case"]):
        said = " ".join(f"Depth {depth}: {told(of_depth)}." for depth, of_depth in rungs.groupby("depth"))
        assert f"{TITLES[ladder]} (with {case}) {said}" in page.text
    begin = found[(found["ladder"] == "combined") & (found["position"] == 1)].set_index("depth")["accuracy"]
    assert (
        f"reaches here is {100 * begin[8]:.1f} % at depth 8 and {100 * begin[16]:.1f} % at depth 16."
        in page.text
    )
    first = found[(found["ladder"] == "activation") & (found["rung"] == "relu")].set_index("depth")
    cells = next(row for row in rows(text, "laboratory-remedies-table") if row[0] == "relu")
    expected = (
        f"{first['learning_rate'][8]:g}",
        f"{100 * first['accuracy'][8]:.1f} %",
        f"{first['slope'][8]:+.2f}",
    )
    assert tuple(cells[1:4]) == expected
    assert "– (2 diverged)" in text


def test_initializations_by_hand_show_three_deviations_and_the_p_value(built):
    folder, text = built
    found, frame = rows(text, "laboratory-by-hand-table"), table(folder, "laboratory", "by_hand")
    assert len(found) == len(frame)
    row = frame.iloc[1]
    deviations = [f"{row[name]:.5f}" for name in ("std_by_hand", "std_by_library", "std_expected")]
    assert found[1] == [row["initializer"], row["formula"], *deviations, f"{row['p_value']:.2f}"]


def test_the_four_gains_stand_beside_each_other(built):
    folder, text = built
    frame = table(folder, "laboratory", "gains").set_index("activation")
    found = {row[0]: row[1:] for row in rows(text, "laboratory-gains-table")}
    assert found["relu"] == [f"{value:.4f}" for value in frame.loc["relu"].astype(float)]
    without = frame.reset_index().assign(torch_gain=np.nan)
    assert propagation.gains(without).groups[0][1][0][-1] == "–"


def test_the_agreement_of_the_tables_stands_in_the_text(built, page):
    theory = table(built[0], "laboratory", "theory").dropna(subset=["factor_predicted", "factor_measured"])
    inside = (
        (theory["low"] <= theory["factor_predicted"]) & (theory["factor_predicted"] <= theory["high"])
    ).sum()
    assert f"{len(theory)} kinds of networks." in page.text
    assert f"in {inside} the prediction lies" in page.text


def test_other_data_is_said_at_the_head(tmp_path, page):
    assert "These are not MNIST images" not in page.text
    text = Page(section("laboratory", build(prepare_laboratory(tmp_path, dataset="digits")))).text
    assert text.index("These are not MNIST images") < text.index("What do the initial weights alone")


def test_hostile_texts_stay_text(tmp_path):
    folder = prepare_laboratory(tmp_path)
    frame = table(folder, "laboratory", "by_hand").assign(initializer=HOSTILE, formula=HOSTILE)
    synthetic_laboratory.write(folder / "laboratory", {"by_hand": frame})
    figure(folder / "figures", "laboratory_new", TITLE, 690, title=HOSTILE, caption=HOSTILE)
    text = build(folder)
    page = Page(text)
    assert len(page.all("script")) == 5
    assert page.text.count(HOSTILE) >= len(frame) + 3  # one title over all rows, and the figure's two
    assert text.count("</table>") == text.count("<table")


@pytest.mark.parametrize("name", ["trainability", "theory"])
def test_tables_of_other_data_than_the_grid_are_refused(tmp_path, name):
    folder = prepare_laboratory(tmp_path)
    column = "inputs" if name == "theory" else "dataset"
    frame = table(folder, "laboratory", name).astype({column: str}).replace({column: {"mnist": "digits"}})
    synthetic_laboratory.write(folder / "laboratory", {name: frame})
    with pytest.raises(
        GradgridError, match=rf"{name}\.parquet holds digits, but the grid was trained on mnist"
    ):
        build(folder)
