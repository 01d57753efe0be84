"""Snakemake's own report of a finished run: figures and tables with captions and labels, made without a network."""

import json
import re
import zipfile
from html import unescape

import pytest

from gradgrid.core import sidecars
from gradgrid.core.figures import figures
from gradgrid.core.results import RESULTS
from gradgrid.core.statistics_tables import STATISTICS_TABLES


@pytest.fixture(scope="module")
def reported(finished, tmp_path_factory):
    """The unpacked ``report.zip``: what its page says of results and categories, and its files."""
    folder = tmp_path_factory.mktemp("reported")
    ended = finished.workspace.snakemake("--report", str(folder / "report.zip"))
    assert ended.status == 0, ended.output
    assert "Missing metadata" not in ended.output
    with zipfile.ZipFile(folder / "report.zip") as packed:
        packed.extractall(folder)
    page = (folder / "report/report.html").read_text(encoding="utf-8")
    return {name: told(page, name) for name in ("results", "categories", "workflow_desc")}, folder / "report"


def told(page, name):
    """The value of a variable of the page's script."""
    found = re.search(rf'<script id="{name.replace("_", "-")}">\s*var {name} = ', page)
    return json.JSONDecoder().raw_decode(page, found.end())[0]


def words(html):
    """The text of an element, its entities resolved."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_every_figure_stands_in_its_chapter_with_its_title_and_caption(finished, reported):
    made, _ = reported
    for name, spec in figures().items():
        path = f"results/figures/{name}.svg"
        described = sidecars.read(finished.workspace.folder / f"results/figures/{name}.json")
        assert path in made["categories"]["Figures"][spec.chapter]
        assert made["results"][path]["labels"] == {"figure": described.title}
        caption = words(made["results"][path]["caption"])
        assert " ".join(described.caption.split()) in caption
        assert "MNIST could not be downloaded" in caption or not described.notice
    in_all = [path for chapter in made["categories"]["Figures"].values() for path in chapter]
    assert len(in_all) == len(figures())


def test_within_a_chapter_titles_tell_figures_apart(reported):
    made, _ = reported
    for paths in made["categories"]["Figures"].values():
        assert len({made["results"][path]["labels"]["figure"] for path in paths}) == len(paths)


def test_tables_stand_to_be_looked_at_and_as_parquet_with_what_a_row_is(reported):
    made, _ = reported
    looked_at = ["cells", *STATISTICS_TABLES]
    wanted = {
        "To look at": {f"report/tables/{name}.html" for name in looked_at},
        "As parquet": {f"results/tables/{name}.parquet" for name in ("runs", *looked_at)},
    }
    assert {how: set(paths) for how, paths in made["categories"]["Tables"].items()} == wanted
    for path in (path for paths in wanted.values() for path in paths):
        name = path.rpartition("/")[2].partition(".")[0]
        assert made["results"][path]["labels"] == {"table": name, "a row is": RESULTS[name].row}
        assert "pandas.read_parquet" in made["results"][path]["caption"]


def test_our_report_is_in_it_and_every_file_is_that_of_the_run(finished, reported):
    made, folder = reported
    assert made["categories"]["Report"] == {"Other": ["report/index.html"]}
    assert '<h1 class="title">GradGrid</h1>' in made["workflow_desc"]
    for path, result in made["results"].items():
        assert (folder / result["data_uri"]).read_bytes() == (finished.workspace.folder / path).read_bytes()


def test_nothing_has_to_be_done_again_for_it(finished, reported):
    assert finished.workspace.snakemake("-n").jobs == {}
