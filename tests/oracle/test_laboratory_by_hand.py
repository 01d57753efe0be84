"""Initializations by hand and by library: one distribution, and another where the formula is wrong."""

import numpy as np
import pytest
import torch

from gradgrid.core.laboratory_tables import BY_HAND
from gradgrid.core.parquet import to_arrow
from gradgrid.laboratory.by_hand import FAN_IN, FORMULAS, by_hand, compare

DRAWS = 50_000
FAN_OUT = DRAWS // FAN_IN
KURTOSIS = {"normal": 3.0, "uniform": 1.8}


@pytest.fixture(scope="module")
def rows():
    return to_arrow(by_hand(DRAWS), BY_HAND).to_pandas().set_index("initializer")


def test_the_six_formulas_of_the_teaching_texts(rows):
    assert list(rows.index) == [formula.initializer for formula in FORMULAS]
    expected = {
        "lecun_normal": (1 / FAN_IN) ** 0.5,
        "xavier_uniform": 5 / 3 * (2 / (FAN_IN + FAN_OUT)) ** 0.5,
        "xavier_normal": 5 / 3 * (2 / (FAN_IN + FAN_OUT)) ** 0.5,
        "kaiming_uniform": (2 / FAN_IN) ** 0.5,
        "kaiming_normal": (2 / FAN_IN) ** 0.5,
        "torch_default": (1 / (3 * FAN_IN)) ** 0.5,
    }
    assert rows["std_expected"].to_dict() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.initializer)
def test_both_have_the_formulas_deviation(rows, formula):
    row = rows.loc[formula.initializer]
    error = row["std_expected"] * ((KURTOSIS[formula.family] - 1) / (4 * DRAWS)) ** 0.5
    for column in ("std_by_hand", "std_by_library"):
        assert row[column] == pytest.approx(row["std_expected"], abs=4 * error)


def test_hand_and_library_are_one_distribution(rows):
    assert (rows["p_value"] > 0.001).all()
    assert (rows["statistic"] < 1.95 * (2 / DRAWS) ** 0.5).all()


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.initializer)
def test_a_wrong_deviation_or_family_is_found_out(formula):
    wrong_size = formula._replace(numerator=1.1**2 * formula.numerator)
    assert compare(wrong_size, FAN_OUT)["p_value"] < 1e-4
    other = "uniform" if formula.family == "normal" else "normal"
    factor = 3 if other == "uniform" else 1 / 3
    wrong_family = formula._replace(family=other, numerator=factor * formula.numerator)
    compared = compare(wrong_family, FAN_OUT)
    assert compared["std_by_hand"] == pytest.approx(compared["std_by_library"], rel=0.02)
    assert compared["p_value"] < 1e-4


def test_the_global_generator_stays_as_it_is():
    state = torch.get_rng_state()
    again = by_hand(DRAWS)
    assert torch.equal(state, torch.get_rng_state())
    np.testing.assert_array_equal(again["std_by_library"], by_hand(DRAWS)["std_by_library"])
