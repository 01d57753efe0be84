"""docs/methods.md says the numbers that the source has."""

import re
from pathlib import Path

import pytest

from gradgrid.book import judging, learning_claims, published, recipe, speed_claims
from gradgrid.core.entries import Entry
from gradgrid.core.registry import entries
from gradgrid.core.remedies import CLEAR, GUESSING
from gradgrid.core.verdicts import Verdicts, rules
from gradgrid.laboratory.remedies import RECIPE
from gradgrid.report.propagation import MOSTLY_SATURATED
from gradgrid.train.gains import gain
from gradgrid.train.probes import SATURATED_BELOW

PAGE = (Path(__file__).parents[2] / "docs" / "methods.md").read_text(encoding="utf-8")


def test_every_activation_has_its_gain():
    rows = dict(re.findall(r"^\| (\w+) \| (\d\.\d+) \|", PAGE, re.MULTILINE))
    assert list(rows) == list(entries("activations"))
    for name, written in rows.items():
        assert float(written) == pytest.approx(gain(Entry(name)), abs=6e-5), name
    steep = re.search(r"\((\d\.\d+) at steepness 4\)", PAGE)[1]
    assert float(steep) == pytest.approx(gain(Entry.of("sigmoid", {"steepness": 4})), abs=6e-5)


def test_every_verdict_has_its_rule_in_order():
    section = PAGE.split("## Verdicts")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| ([a-z ]+) \| (.*) \|$", section, re.MULTILINE))
    assert list(rows.items()) == [("verdict", "rule"), *rules(Verdicts()).items()]
    for name in Verdicts.model_fields:
        assert f"`{name}`" in section


def test_the_measures_have_the_threshold_that_is_used():
    assert f"below {100 * SATURATED_BELOW:.0f} % of that activation's largest slope" in PAGE


def test_the_books_chapter_has_the_recipe_and_the_bounds_that_are_used():
    section = " ".join(PAGE.split("## The book's chapter")[1].split("\n## ")[0].split())
    assert f"minibatches of {recipe.MINIBATCH}, learning rate {recipe.LEARNING_RATE}" in section
    assert f"λ = {recipe.WEIGHT_DECAY:g}" in section
    assert f"trained for {published.EPOCHS} epochs" in section
    assert f"before each of {published.STEPS} updates" in section
    assert f"at least {100 * judging.MOST:.0f} % of the seeds" in section
    assert judging.USUALLY == 0.5
    assert "lies above one half" in section
    assert f"within a factor of √{speed_claims.ROUGHLY**2:.0f}" in section
    assert f"within {learning_claims.SAME} percentage points" in section
    assert f"at most {-learning_claims.NO_LOSS} points less" in section
    assert f"one factor for all layers within a factor of {speed_claims.CONSTANT:g}" in section


def test_the_laboratory_has_the_bound_that_the_report_uses():
    section = " ".join(PAGE.split("## The laboratory")[1].split("\n## ")[0].split())
    assert f"saturated where more than {100 * MOSTLY_SATURATED:.0f} % of the activations are" in section


def test_remedies_help_from_the_difference_that_the_source_has():
    section = " ".join(PAGE.split("**Remedies.**")[1].split("\n## ")[0].split())
    assert f"minibatches of {RECIPE.minibatch}, no weight decay" in section
    assert RECIPE.weight_decay == 0
    assert f"at least {100 * CLEAR:g} points above (or below)" in section
    assert f"counts as guessing, {100 * GUESSING:g} %" in section
