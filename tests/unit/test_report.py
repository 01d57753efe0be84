"""The report: one file, no network, everything escaped, and what it says is what the tables hold."""

import gzip
import json
import re
from base64 import b64decode, b64encode
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
import report_folder
from html_page import Page
from report_folder import SVG, arguments, build, figure, prepare

from gradgrid import report
from gradgrid.analysis.verdicts import VERDICTS
from gradgrid.core.errors import GradgridError
from gradgrid.core.results import RESULTS
from gradgrid.report.render import library

PREPARE = prepare


def test_nothing_is_asked_of_a_network(built, page):
    for _, attributes in page.elements:
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert attributes.get(name, "#").startswith(("#", "data:image/")), attributes
    own = built[1].replace(
        library(), ""
    )  # Vega could fetch data; nothing asks it to, and the policy forbids it
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|import\(", own)


def test_the_policy_forbids_the_network_and_allows_exactly_its_own_style_and_script(page):
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src data:;")
    scripts = zip(page.all("script"), page.raw["script"], strict=True)
    for text in (*page.raw["style"], *(text for script, text in scripts if "type" not in script)):
        assert f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in policy
    assert "unsafe" not in policy


def test_equal_inputs_give_equal_bytes(built):
    folder, text = built
    assert build(folder) == text


def test_the_head_says_what_was_run(page):
    assert "Vanishing and exploding gradients on MNIST" in page.text
    assert (
        "108 fully connected nets, one for each of 36 combinations of depth, activation, initializer"
        in page.text
    )
    assert "50,000 train, 10,000 validation and 10,000 test images" in page.text
    assert "36 cells × 3 seeds" in page.text


def test_without_a_fallback_there_is_no_banner(page):
    assert not page.all("aside")


def test_a_fallback_is_said_loudly_at_the_head(tmp_path):
    page = Page(build(prepare(tmp_path, dataset="digits")))
    assert page.elements.index(("aside", page.all("aside")[0])) < page.elements.index(("h1", {}))
    assert "Not MNIST. MNIST could not be downloaded: this run uses the digits." in page.text
    assert "No <network>." in page.text
    assert "gradients on the embedded digits of scikit-learn" in page.text


def test_every_figure_stands_in_its_chapter_with_caption_and_alternative_text(page):
    titles = re.findall(r"Speed of learning|Accuracy|Caption of \w+", page.text.split("Caption of speed")[0])
    assert titles[:2] == ["Speed of learning", "Accuracy"]  # the contents
    images = page.all("img")
    assert [image["alt"] for image in images] == ["Alternative text of speed", "Alternative text of accuracy"]
    figures = [figure for figure in page.all("figure") if "data-svg" in figure]
    drawings = [gzip.decompress(b64decode(figure["data-svg"])).decode() for figure in figures]
    assert drawings == [SVG.format("speed"), SVG.format("accuracy")]
    assert all((image["width"], image["height"]) == ("90", "60") for image in images)
    assert "Caption of speed. Source: table gradients; layer [layer]." in page.text


def test_every_address_within_the_page_leads_somewhere(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:].partition("?")[0] for a in page.all("a")} <= set(ids)


def test_the_dictionary_describes_every_column(page):
    for table in RESULTS.values():
        for column in table.columns:
            assert " ".join(column.description.split()) in page.text


def test_provenance_and_configuration_are_shown_without_user_paths(built, page):
    for words in (
        "0123456789abcdef",
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "2026-01-31T12:00:00Z",
        "snakemake",
    ):
        assert words in page.text
    assert "2 bundles device cpu; torch 2.15.0; 1 h 6 min; at most 812 MiB of memory" in page.text
    assert "# the <grid> dataset: {name: mnist, root: …/mnist} seeds: 3" in page.text
    assert "/home/jo" not in built[1]


def test_what_jobs_were_given_stands_beside_what_they_used(page):
    assert "jobs-table" in {table.get("id") for table in page.all("table")}
    assert "1 2 10 min 1 min 30 s 2,000 1,048 2 min 0 s 2 min 50 s 1 min 40 s 1.7" in page.text


def test_a_provenance_of_an_earlier_version_has_no_jobs(tmp_path):
    folder = prepare(tmp_path)
    record = json.loads((folder / "provenance.json").read_text())
    del record["jobs"]
    (folder / "provenance.json").write_text(json.dumps(record))
    assert "jobs-table" not in build(folder)


def test_the_methods_name_every_verdict(page):
    methods = page.text.split("Methods in brief")[-1].split("Data dictionary")[0]
    assert all(verdict in methods for verdict in VERDICTS)


HOSTILE = """<script>alert("x")</script>'"&</title>"""


def test_hostile_names_stay_text(tmp_path):
    folder = prepare(tmp_path, initializers=("lecun_normal", HOSTILE))
    figure(
        folder / "figures", "hostile", HOSTILE, 9, title=HOSTILE, caption=HOSTILE, alt=HOSTILE, notice=HOSTILE
    )
    (folder / "config.yaml").write_text(HOSTILE, encoding="utf-8")
    record = json.loads((folder / "provenance.json").read_text())
    record["dataset"] |= {"source": HOSTILE, "fallback": True, "message": HOSTILE}
    (folder / "provenance.json").write_text(json.dumps(record))
    text = build(folder)
    page = Page(text)
    kinds = [element.get("type") for element in page.all("script")]
    assert kinds == [None, "application/json", "application/octet-stream", None, None]
    assert HOSTILE in page.text
    assert HOSTILE in page.all("img")[-1]["alt"]
    assert "</" not in page.script("explorer-header")
    assert HOSTILE in page.levels["initializer"]


def test_the_explorer_holds_what_the_table_of_cells_holds(built, page):
    cells = pd.read_parquet(built[0] / "tables" / "cells.parquet")
    for name in ("validation_accuracy_mean", "test_accuracy_high", "gradient_slope_low", "seconds"):
        np.testing.assert_array_equal(page.numbers[name], cells[name].to_numpy("float32"))
    assert page.header["ids"] == cells["cell_id"].tolist()
    assert page.header["verdict_of"] == cells["verdict"].tolist()
    for factor in page.header["factors"]:
        assert [factor["levels"][code] for code in factor["codes"]] == cells[factor["name"]].tolist()
    assert "The same in every cell: width 30, optimizer sgd, learning rate 0.1." in page.text


def picked(page: Page) -> list[str]:
    return [column["source"] for column in page.header["columns"] if column["picked"]]


def test_factors_that_vary_and_the_measures_are_there_before_the_reader_chooses(page):
    assert picked(page)[:5] == ["depth", "activation", "initializer", "clipping", "verdict"]


def test_a_further_factor_becomes_a_column_and_a_filter(tmp_path):
    page = Page(build(prepare(tmp_path, widths=(30, 100), learning_rates=(0.1, 0.025))))
    assert {"width", "learning_rate"} <= set(picked(page))
    assert {"width", "learning_rate"} <= {select["name"] for select in page.all("select") if "name" in select}
    assert page.levels["learning_rate"] == [0.025, 0.1]


def test_normalization_and_residual_connections_are_named_where_there_are_any(tmp_path):
    page = Page(build(prepare(tmp_path, normalizations=("none", "batch"), residuals=("yes",))))
    assert "normalization" in picked(page)
    assert "The same in every cell: width 30, optimizer sgd, learning rate 0.1, residual yes." in page.text


def test_a_grid_in_which_all_diverged_is_reported(tmp_path):
    page = Page(build(prepare(tmp_path, all_diverge=True)))
    assert "108 of 108 runs diverged" in page.text
    assert np.isnan(page.numbers["validation_accuracy_mean"]).all()


@pytest.mark.parametrize(
    "missing",
    [
        "tables/runs.parquet",
        "tables/cells.parquet",
        "tables/accuracy.parquet",
        "tables/gradients.parquet",
        "tables/clipping.parquet",
        "figures/speed.svg",
        "provenance.json",
        "config.yaml",
    ],
)
def test_a_missing_input_is_a_clear_error_and_leaves_no_file(tmp_path, missing):
    folder = prepare(tmp_path)
    (folder / missing).unlink()
    with pytest.raises(GradgridError, match=missing.rpartition("/")[-1]):
        build(folder)
    assert not list(folder.glob("report/*"))


@pytest.mark.parametrize("name", ["tables/runs.parquet", "figures/speed.json", "provenance.json"])
def test_a_broken_input_is_a_clear_error(tmp_path, name):
    folder = prepare(tmp_path)
    (folder / name).write_text("{")
    with pytest.raises(GradgridError, match=name.rpartition("/")[-1]):
        build(folder)


def test_a_missing_figure_is_a_clear_error(tmp_path):
    folder = prepare(tmp_path)
    figures = [folder / "figures" / "nowhere.json"]
    with pytest.raises(GradgridError, match=r"nowhere\.json"):
        report.build(folder / "tables", figures, *arguments(folder)[2:], folder / "index.html")


def test_only_the_given_figures_are_shown(tmp_path):
    folder = prepare(tmp_path)
    (folder / "figures" / "old.json").write_text("left over from another version")
    figures = [folder / "figures" / "speed.json"]
    report.build(folder / "tables", figures, *arguments(folder)[2:], folder / "index.html")
    assert (folder / "index.html").read_text().count('<figure id="figure-') == 1


def test_tables_of_other_data_than_the_provenance_are_refused(tmp_path):
    folder = prepare(tmp_path)
    (folder / "provenance.json").write_text(json.dumps(report_folder.record("digits", "digits")))
    with pytest.raises(GradgridError, match=r"holds runs on mnist, but .* records digits"):
        build(folder)


def test_a_provenance_that_lacks_a_part_is_refused(tmp_path):
    folder = prepare(tmp_path)
    (folder / "provenance.json").write_text('{"time": "now"}')
    with pytest.raises(GradgridError, match=r"provenance\.json: lacks versions, hardware"):
        build(folder)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio of two colours written #rrggbb."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_have_the_contrast_of_wcag_aa_in_light_and_dark(page, scheme):
    style = page.raw["style"][["light", "dark"].index(scheme)]
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", style.partition("}")[0]))
    for ink in ("ink", "muted", "accent"):
        for ground in ("paper", "card", "bar"):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
    assert contrast(colours["banner-ink"], colours["banner"]) >= 4.5
    for verdict in ("healthy", "vanishing", "exploding", "saturated", "dead", "diverged", "never"):
        assert contrast(colours[verdict], colours["paper"]) >= 3, verdict  # a graphical object
