"""A bundle's state: only what this version wrote, whole and unchanged, is believed."""

import json

import pytest

from gradgrid.core.basis import Basis
from gradgrid.core.fingerprints import digest
from gradgrid.core.plan import BUNDLE_TABLES
from gradgrid.core.states import COLUMNS, State
from gradgrid.core.tables import TABLES

STATE = State(3, Basis({"epochs": 2}, "digits", "d", {"m": "1"}, {}), ("a-0", "b-0"), {"runs": 7}, ("a-0",))


@pytest.fixture
def path(tmp_path):
    STATE.write(tmp_path / "state.json")
    return tmp_path / "state.json"


def test_columns_are_those_of_the_tables():
    columns = [
        f"{name}.{column.name} {column.type}" for name in BUNDLE_TABLES for column in TABLES[name].columns
    ]
    assert digest(*columns) == COLUMNS, (
        "bundles of other columns are trained again: set states.COLUMNS to the left"
    )


def test_a_state_is_read_as_it_was_written(path):
    assert State.read(path) == STATE


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "[]",
        "null",
        "3",
        "{",
        '{"digest": "0"}',
        '{"generation": "x"}',
        "\udcff",
        "[" * 100_000,
    ],
)
def test_what_is_no_state_is_none(path, foreign):
    path.write_bytes(foreign.encode(errors="surrogateescape"))
    assert State.read(path) is None


def test_a_state_that_was_cut_or_changed_is_none(path):
    written = path.read_bytes()
    for end in range(len(written) - 2):
        path.write_bytes(written[:end])
        assert State.read(path) is None
    path.write_text(json.dumps(json.loads(written) | {"forgotten": []}), encoding="utf-8")
    assert State.read(path) is None


def test_a_state_of_files_with_other_columns_is_none(path, monkeypatch):
    monkeypatch.setattr("gradgrid.core.states.COLUMNS", "others")
    assert State.read(path) is None
