"""How the report writes numbers of any size."""

import pytest

from gradgrid.report.numbers import number, significant, with_interval


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"), (25.0, "25"), (96.9, "96.9"), (96.4812, "96.48"), (-0.123456, "−0.1235"), (10_000.0, "10,000"),
        (1234567.0, "1.235 × 10⁶"), (8.05271e-05, "8.053 × 10⁻⁵"), (-2e-7, "−2 × 10⁻⁷"), (9.99996e-5, "0.0001"),
        (0.99999, "1"), (float("nan"), "–"), (float("inf"), "∞"), (float("-inf"), "−∞"),
    ],
)  # fmt: skip
def test_numbers_of_any_size(value, written):
    assert number(value) == written


def test_significant_digits_keep_their_zeros():
    assert [significant(value, 3) for value in (0.06, 0.283142, 8.0e-6)] == ["0.0600", "0.283", "8.00 × 10⁻⁶"]


@pytest.mark.parametrize(
    ("numbers", "value", "interval"),
    [
        ((0.4448, 0.3764, 0.5133), "0.44", "0.38 to 0.51"),
        ((-0.0677, -0.1662, 0.0309), "−0.07", "−0.17 to 0.03"),
        ((-0.0004, -0.1, 0.1), "0.00", "−0.10 to 0.10"),
        ((95.44, 50.81, 179.2), "95", "51 to 179"),
        ((12345.6, 11111.1, 14444.4), "12,346", "11,111 to 14,444"),
        ((2.5e-9, 2.4e-9, 2.6e-9), "2.5 × 10⁻⁹", "2.4 × 10⁻⁹ to 2.6 × 10⁻⁹"),
        ((1.0, 1.0, 1.0), "1", "1 to 1"),
        ((25.0, float("nan"), float("nan")), "25", ""),
    ],
)
def test_an_interval_shows_its_width_with_two_digits(numbers, value, interval):
    assert with_interval(*numbers) == (value, interval)
