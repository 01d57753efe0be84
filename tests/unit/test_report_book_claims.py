"""The report's chapter on the book and the claims as they are really judged."""

import synthetic_book

from gradgrid.book.claims import claims
from gradgrid.report import comparisons
from gradgrid.report.book import SECTION_OF_CLAIM


def test_every_claim_that_is_judged_has_a_section():
    made = claims(synthetic_book.tables(seeds=3, chains=20))
    assert {name.partition("-")[0] for name in made["claim_id"]} == set(SECTION_OF_CLAIM)


def test_the_claims_have_the_same_means():
    tables = synthetic_book.tables(seeds=6, chains=20)
    depths = comparisons.accuracy(tables["accuracy"]).groups
    claimed = claims(tables).set_index("claim_id")["value"]
    for suffix, place in (("", 0), ("-best", 1)):
        means = [rows[place][2].split(" ")[0] for _, rows in depths]
        assert means == [f"{claimed[f'accuracy-{depth}{suffix}']:.2f}" for depth in (1, 2, 3, 4)]
