"""The tables of the report's chapter on the laboratory, from small frames made by hand."""

import numpy as np
import pandas as pd
import pytest

from gradgrid.report import propagation

KIND = {"width": 40, "activation": "tanh", "initializer": "normal", "seed": 0}


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
