"""Collecting bundle files: order, schema, row groups, and files that are not what they should be."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import synthetic

from gradgrid.analysis import collect as collecting
from gradgrid.analysis.collect import collect, collect_runs
from gradgrid.core.bundle_files import BUNDLE_KEY
from gradgrid.core.errors import GradgridError
from gradgrid.core.parquet import to_arrow, write_frame
from gradgrid.core.plan import BUNDLE_TABLES
from gradgrid.core.tables import GRADIENTS, JUDGED_RUNS, TABLES


@pytest.fixture(scope="module")
def grid():
    return synthetic.tables(
        depths=(1, 4), activations=("sigmoid", "relu"), initializers=("normal", "lsuv"), seeds=2
    )


@pytest.fixture
def bundles(grid, tmp_path):
    """Files by table, one for each depth, activation and seed, as training writes them: without verdicts."""
    files = {}
    for name in BUNDLE_TABLES:
        frame = grid[name].drop(columns=["gradient_slope", "verdict"], errors="ignore")
        groups = frame.groupby(["depth", "activation", "seed"], observed=True, sort=False)
        files[name] = [tmp_path / name / f"{i}.parquet" for i in range(len(groups))]
        for path, (_, rows) in zip(files[name], groups, strict=True):
            write_frame(rows.reindex(columns=TABLES[name].schema.names), TABLES[name], path)
    return files


@pytest.mark.parametrize("name", ["gradients", "accuracy", "clipping"])
def test_collected_tables_hold_all_rows_in_the_given_order(grid, bundles, name, tmp_path):
    out = tmp_path / "out.parquet"
    collect(name, bundles[name][::-1], out)
    expected = pa.concat_tables([pq.read_table(file) for file in bundles[name][::-1]])
    assert pq.read_table(out).to_pylist() == expected.to_pylist()
    assert len(expected) == len(grid[name])


def test_the_schema_keeps_units_and_descriptions(bundles, tmp_path):
    out = tmp_path / "out.parquet"
    collect("gradients", bundles["gradients"], out)
    assert pq.read_schema(out).equals(GRADIENTS.schema)
    assert pq.read_schema(out).field("layer").metadata == GRADIENTS.schema.field("layer").metadata
    assert pq.read_schema(out).metadata[b"gradgrid.table"] == b"gradients"


def test_memory_is_bounded_by_row_groups_and_bytes_repeat(bundles, tmp_path, monkeypatch):
    monkeypatch.setattr(collecting, "ROW_GROUP", 500)
    first, second = tmp_path / "1.parquet", tmp_path / "2.parquet"
    collect("gradients", bundles["gradients"], first)
    collect("gradients", bundles["gradients"], second)
    metadata = pq.read_metadata(first)
    assert metadata.num_row_groups > 1
    largest = max(pq.read_metadata(file).num_rows for file in bundles["gradients"])
    assert all(metadata.row_group(i).num_rows < 500 + largest for i in range(metadata.num_row_groups))
    assert first.read_bytes() == second.read_bytes()


def test_no_bundles_or_empty_ones_give_an_empty_table(bundles, tmp_path):
    out = tmp_path / "out.parquet"
    collect("clipping", [], out)
    assert pq.read_table(out).schema.equals(TABLES["clipping"].schema)
    empty = tmp_path / "empty.parquet"
    pq.write_table(TABLES["clipping"].schema.empty_table(), empty)
    collect("clipping", [empty, bundles["clipping"][0]], out)
    assert pq.read_table(out).equals(pq.read_table(bundles["clipping"][0]))


def test_runs_are_finished_with_slope_and_verdict(grid, bundles, tmp_path):
    out = tmp_path / "runs.parquet"
    collect_runs(bundles["runs"], bundles["gradients"], out)
    found = pq.read_table(out)
    assert found.schema.equals(JUDGED_RUNS.schema)
    assert found.to_pylist() == to_arrow(grid["runs"], JUDGED_RUNS).to_pylist()
    assert None not in found["verdict"].to_pylist()


@pytest.mark.parametrize("rows", [1, 500])
def test_how_many_bundles_are_finished_at_a_time_changes_no_run(rows, bundles, tmp_path, monkeypatch):
    whole, parts = tmp_path / "whole.parquet", tmp_path / "parts.parquet"
    collect_runs(bundles["runs"], bundles["gradients"], whole)
    finished, finish = [], collecting.finish_runs
    monkeypatch.setattr(collecting, "ROW_GROUP", rows)
    monkeypatch.setattr(
        collecting, "finish_runs", lambda runs, *rest: finished.append(len(runs)) or finish(runs, *rest)
    )
    collect_runs(bundles["runs"], bundles["gradients"], parts)
    assert len(finished) > 1
    assert pq.read_table(parts).to_pylist() == pq.read_table(whole).to_pylist()


def test_runs_and_gradients_of_different_bundles_are_refused(bundles, tmp_path):
    with pytest.raises(GradgridError, match=r"1\.parquet: no gradients of"):
        collect_runs(bundles["runs"][:1], bundles["gradients"][1:2], tmp_path / "runs.parquet")


def test_text_that_is_not_dictionary_encoded_is_welcome(bundles, tmp_path):
    source = pq.read_table(bundles["clipping"][0])
    plain = source.cast(
        pa.schema([f.with_type(pa.string()) if pa.types.is_dictionary(f.type) else f for f in source.schema])
    )
    pq.write_table(plain, tmp_path / "plain.parquet")
    collect("clipping", [tmp_path / "plain.parquet"], tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").schema.equals(TABLES["clipping"].schema)


def broken(kind, good, path):
    """A file that is no bundle file of the gradients table, in one of several ways."""
    if kind == "truncated":
        path.write_bytes(good.read_bytes()[:-200])
    elif kind == "foreign":
        path.write_text("not parquet")
    elif kind == "lacks a column":
        pq.write_table(pq.read_table(good).drop_columns(["weight_norm"]), path)
    elif kind == "another type":
        table = pq.read_table(good)
        pq.write_table(table.set_column(0, "run_id", table["depth"]), path)
    elif kind == "another order":
        table = pq.read_table(good)
        pq.write_table(table.select(table.schema.names[::-1]), path)
    elif kind == "another bundle":
        pq.write_table(pq.read_table(good).replace_schema_metadata({BUNDLE_KEY: '"depth=4"'}), path)
    elif kind == "nonsense":
        pq.write_table(pq.read_table(good).replace_schema_metadata({BUNDLE_KEY: "depth=4"}), path)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("missing", "cannot be read"),
        ("truncated", "cannot be read"),
        ("foreign", "cannot be read"),
        ("lacks a column", "weight_norm"),
        ("another type", "run_id"),
        ("another order", "their order"),
        ("another bundle", "holds the runs of depth=4"),
        ("nonsense", "cannot be read"),
    ],
)
def test_a_file_that_is_no_bundle_file_is_named_and_the_old_table_stands(kind, says, bundles, tmp_path):
    bad, out = tmp_path / "bad.parquet", tmp_path / "out.parquet"
    broken(kind, bundles["gradients"][0], bad)
    out.write_text("old")
    with pytest.raises(GradgridError, match=rf"bad\.parquet: .*{says}.*; delete it and run again"):
        collect("gradients", [bundles["gradients"][0], bad], out)
    assert out.read_text() == "old"
    assert not list(tmp_path.glob(".*part*"))
