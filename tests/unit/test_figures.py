"""The catalogue of figures, and the files that drawing one leaves."""

import subprocess
import sys

import pandas as pd
import pytest
import synthetic
from drawings import NAMES, NOTICE, drawn, telling
from matplotlib.text import Text

from gradgrid.core import sidecars
from gradgrid.core.book_tables import BOOK_TABLES
from gradgrid.core.errors import GradgridError
from gradgrid.core.figures import figures
from gradgrid.core.laboratory_tables import LABORATORY_TABLES
from gradgrid.core.results import RESULTS
from gradgrid.figures.draw import draw
from gradgrid.figures.source import Source


def test_the_catalogue_is_read_without_importing_what_draws():
    code = (
        "import sys; from gradgrid.core.figures import figures; figures(); "
        "print(sorted({'matplotlib', 'pandas', 'pyarrow', 'numpy'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_catalogue_has_tables_orders_and_summaries():
    specs = figures().values()
    assert {spec.table for spec in specs if spec.part == "grid"} <= set(RESULTS)
    for part, tables in (("book", BOOK_TABLES), ("laboratory", LABORATORY_TABLES)):
        of_part = {spec.table for spec in specs if spec.part == part}
        assert of_part
        assert of_part <= {f"{part}/{table}" for table in tables}
    assert [spec.order for spec in specs] == sorted({spec.order for spec in specs})
    assert all(spec.summary for spec in specs)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("@figure\ndef one(source): ...", "one: write @figure"),
        ("@figure(table='runs', order=1)\ndef one(source): ...", "one: write @figure"),
        ("@figure(table=NAME, order=1, chapter='A')\ndef one(source): ...", "one: write @figure"),
        ("@figure(table='runs', order=1, chapter='A')\ndef one(source): ...\n" * 2, "the same name"),
    ],
)
def test_a_declaration_that_breaks_the_rules_is_named(source, says, tmp_path):
    (tmp_path / "module.py").write_text(source)
    with pytest.raises(GradgridError, match=says):
        figures(tmp_path)


@pytest.mark.parametrize("name", telling(NAMES, "speed_over_training", "verdict_map", "final_accuracy"))
def test_a_figure_writes_picture_and_sidecar_with_the_same_bytes_each_time(name, small_grid, tmp_path):
    for folder in ("one", "two"):
        draw(name, small_grid, tmp_path / folder / name)
    for suffix in ("svg", "png", "csv", "json"):
        one, two = (tmp_path / folder / f"{name}.{suffix}" for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
    assert len(list((tmp_path / "one").iterdir())) == 4
    assert len(pd.read_csv(tmp_path / "one" / f"{name}.csv")) > 0
    sidecar = sidecars.read(tmp_path / "one" / f"{name}.json")
    assert (sidecar.name, sidecar.source_table) == (name, figures()[name].table)
    assert (sidecar.dataset, sidecar.notice) == ("mnist", None)
    assert sidecar.width_px == 1056
    assert all((sidecar.title, sidecar.caption, sidecar.alt, sidecar.shown, sidecar.units))
    assert str(tmp_path) not in (tmp_path / "one" / f"{name}.svg").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_the_notice_stands_on_the_figure_and_in_the_sidecar(name, tmp_path):
    folder = synthetic.write(
        tmp_path / "t",
        depths=(2,),
        activations=("relu",),
        initializers=("lsuv", "normal"),
        seeds=1,
        dataset="digits",
    )
    made = drawn(folder, name, NOTICE)
    assert any(NOTICE in text.get_text() for text in made.figure.findobj(Text))
    assert "digits" in made.shown
    draw(name, folder, tmp_path / name, NOTICE)
    assert sidecars.read(tmp_path / f"{name}.json").notice == NOTICE


def test_an_unknown_figure_and_a_missing_table_are_named(small_grid, tmp_path):
    with pytest.raises(GradgridError, match=r"'histogram' is unknown; there are speed_at_initialization, "):
        draw("histogram", small_grid, tmp_path / "histogram")
    with pytest.raises(GradgridError, match=r"cells\.parquet: cannot be read"):
        draw("final_accuracy", tmp_path, tmp_path / "final_accuracy")


def test_a_broken_sidecar_is_named(tmp_path):
    (tmp_path / "a.json").write_text('{"name": "a"}')
    with pytest.raises(GradgridError, match=r"a\.json: no sidecar"):
        sidecars.read(tmp_path / "a.json")
    with pytest.raises(GradgridError, match=r"b\.json: cannot be read"):
        sidecars.read(tmp_path / "b.json")


def test_the_data_of_a_figure_are_the_rows_it_read_with_the_levels_it_asked_for(small_grid):
    source = Source(small_grid, "runs")
    source.read(["depth"])
    found = source.read(["seed", "activation", "validation_accuracy"], depth=4)
    assert source.data.drop(columns="depth").equals(found)
    assert set(source.data["depth"]) == {4}
    source.read(["seed", "activation", "validation_accuracy"], depth=4)  # once more the same
    assert len(source.data) == len(found)
    source.read(["seed", "activation", "validation_accuracy"], depth=1)
    assert len(source.data) == 2 * len(found)


def test_many_rows_become_medians_over_the_seeds(small_grid, monkeypatch):
    monkeypatch.setattr("gradgrid.figures.source.MOST_ROWS", 100)
    monkeypatch.setattr("gradgrid.figures.source.MOST_LEVELS", 20)
    source = Source(small_grid, "gradients")
    found = source.read(
        ["initializer", "seed", "step", "layer", "bias_gradient_norm"], depth=4, activation="relu"
    )
    data = source.data
    assert "seed" not in data
    assert data["rows"].sum() == len(found)
    one = data.iloc[7]
    rows = found.query("initializer == @one.initializer and step == @one.step and layer == @one.layer")
    assert one["rows"] == len(rows)
    assert one["bias_gradient_norm"] == rows["bias_gradient_norm"].median()
