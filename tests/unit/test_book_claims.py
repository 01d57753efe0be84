"""The book's claims, judged by small tables whose numbers are worked out by hand: accuracy, and the whole table."""

import numpy as np
import pandas as pd
import pytest
import synthetic_book
from scipy import stats

from gradgrid.book import learning_claims
from gradgrid.book.claims import claims
from gradgrid.core.book_tables import CLAIMS
from gradgrid.core.parquet import to_arrow

HOLDS, ON_AVERAGE, FAILS, NOT_JUDGED = "holds", "holds on average", "does not hold", "not judged"


def table(rows):
    """The rows of a family of claims, by id."""
    found = pd.DataFrame(list(rows), columns=CLAIMS.schema.names).set_index("claim_id")
    assert found.index.is_unique
    return found


def accuracy(by_depth, *, epochs=30, best=None, dataset="mnist"):
    """Validation accuracies in % by depth and seed after the last epoch; after the others ``best`` or 90 %."""
    rows = [
        (depth, seed, epoch, "validation", last if epoch == epochs else 90.0 if best is None else best)
        for depth, lasts in by_depth.items()
        for seed, last in enumerate(lasts)
        for epoch in range(1, epochs + 1)
    ]
    rows += [(depth, 0, epochs, split, 1.0) for depth in by_depth for split in ("train", "test")]
    rows += [(depth, 0, 0, "validation", 99.9) for depth in by_depth]
    frame = pd.DataFrame(rows, columns=["depth", "seed", "epoch", "split", "accuracy"])
    return frame.assign(dataset=dataset, accuracy=(frame["accuracy"] / 100).astype(np.float32))


def of_depth(*arguments, **keywords):
    return table(learning_claims.depth(accuracy(*arguments, **keywords)))


def test_another_layer_is_judged_by_the_change_of_every_seed():
    found = of_depth({1: [96.0, 96.2, 96.4], 2: [96.5, 96.6, 96.7]}).loc["layer-helps-1-2"]
    low, high = stats.ttest_1samp([0.5, 0.4, 0.3], 0).confidence_interval(0.95)
    assert [found["value"], found["low"], found["high"]] == pytest.approx([0.4, low, high], abs=1e-4)
    assert (found["verdict"], found["share_of_seeds"], found["seeds"]) == (HOLDS, 1.0, 3)
    assert found["published"] == 0.42
    assert "percentage points" in found["measure"]
    assert "above 0 for at least 95 % of the seeds" in found["rule"]


def test_a_layer_that_helps_most_seeds_helps_on_average():
    first = [96.0] * 10
    found = of_depth({1: first, 2: [95.9, *np.linspace(96.3, 96.5, 9)]}).loc["layer-helps-1-2"]
    assert (found["verdict"], found["share_of_seeds"]) == (ON_AVERAGE, 0.9)
    found = of_depth({1: first, 2: [96.0, *np.linspace(96.3, 96.5, 9)]}).loc["layer-helps-1-2"]
    assert (found["verdict"], found["share_of_seeds"]) == (ON_AVERAGE, 0.9), "no change is no help"


def test_layers_always_help_only_where_each_does():
    rising = {depth: [96.0 + depth / 10, 96.1 + depth / 10] for depth in (1, 2, 3, 4)}
    found = of_depth(rising)
    assert (found["verdict"][found.index.str.startswith("layer-")] == HOLDS).sum() == 8
    assert found.loc["layer-always-helps", "value"] == pytest.approx(0.1)
    found = of_depth(rising | {4: [96.25, 96.35]})
    assert found.loc["layer-always-helps", "value"] == pytest.approx(-0.05)
    assert found["verdict"][["layer-helps-2-3", "layer-helps-3-4", "layer-always-helps"]].tolist() == [
        HOLDS, FAILS, FAILS,
    ]  # fmt: skip
    assert found["published"][["layer-helps-2-3", "layer-helps-3-4", "layer-always-helps"]].tolist() == [
        -0.33, -0.04, -0.33,
    ]  # fmt: skip
    assert "in the book's own run it does not" in found.loc["layer-always-helps", "claim"]
    assert "own run" not in found.loc["layer-helps-1-2", "claim"]


def test_the_drop_is_the_mirror_image_of_help():
    found = of_depth({2: [97.0, 97.1], 3: [96.7, 96.8], 4: [96.9, 97.2]})
    assert found["verdict"][["accuracy-drops-2-3", "accuracy-drops-2-4"]].tolist() == [HOLDS, FAILS]
    assert found.loc["accuracy-drops-2-3", "value"] == pytest.approx(-0.3)
    assert found.loc["accuracy-drops-2-4", "share_of_seeds"] == 0.5


def test_the_best_epoch_and_the_last_are_told_apart():
    found = of_depth({1: [96.0, 96.0], 2: [96.5, 96.6]}, best=96.2)
    assert found.loc["layer-helps-1-2", "value"] == pytest.approx(0.55)
    assert found.loc["layer-helps-1-2-best", "value"] == pytest.approx(0.35)
    assert "after epoch 30" in found.loc["accuracy-1", "measure"]
    assert "the best of 30 epochs" in found.loc["accuracy-1-best", "measure"]
    assert found.loc[["accuracy-1", "accuracy-1-best"], "value"].tolist() == pytest.approx([96.0, 96.2])


def test_the_books_accuracies_are_compared_with_a_prediction_interval():
    values = [96.3, 96.48, 96.6, 96.4]
    found = of_depth({1: values}).loc["accuracy-1"]
    spread = np.std(values, ddof=1) * np.sqrt(1.25)
    expected = stats.t.interval(0.95, 3, np.mean(values), spread)
    assert [found["low"], found["high"]] == pytest.approx(expected, abs=1e-4)
    assert (found["published"], found["share_of_seeds"], found["verdict"]) == (96.48, 0.5, HOLDS)
    assert of_depth({1: [97.0, 97.01, 97.02]}).loc["accuracy-1", "verdict"] == FAILS


def test_a_seed_with_just_the_books_accuracy_reaches_it():
    books = {1: 96.48, 2: 96.90, 3: 96.57, 4: 96.53}
    found = of_depth({depth: [book, book] for depth, book in books.items()})
    of_book = found.loc[[f"accuracy-{depth}" for depth in books]]
    assert of_book["published"].tolist() == list(books.values())
    assert (of_book["share_of_seeds"] == 1).all()
    assert (of_book["verdict"] == HOLDS).all()


def test_a_claim_on_a_depth_that_is_not_there_is_left_out():
    found = of_depth({1: [96.0, 96.1], 2: [96.5, 96.6], 4: [96.5, 96.6], 7: [96.0, 96.1]})
    assert found.index.tolist() == [
        "layer-helps-1-2", "accuracy-drops-2-4", "layer-helps-1-2-best",
        *(f"accuracy-{depth}{end}" for end in ("", "-best") for depth in (1, 2, 4)),
    ]  # fmt: skip


def test_diverged_runs_count_against_every_claim():
    found = of_depth({1: [96.0] * 4, 2: [np.nan, 96.5, 96.6, 96.7]})
    assert (found.drop(["accuracy-1", "accuracy-1-best"])["verdict"] == FAILS).all()
    helped = found.loc["layer-helps-1-2"]
    assert (helped["share_of_seeds"], helped["seeds"]) == (0.75, 4)
    assert helped["value"] == pytest.approx(0.6)
    assert helped["measure"].endswith("(1 of 4 seeds without a number)")
    assert found.loc["layer-helps-1-2-best", "share_of_seeds"] == 0.75, "whatever it reached before"
    enough = of_depth({1: [96.0] * 40, 2: [np.nan, *[96.5, 96.6] * 19, 96.7]})
    assert enough.loc["layer-helps-1-2", ["verdict", "share_of_seeds"]].tolist() == [HOLDS, 0.975]


def test_fewer_epochs_than_the_books_judge_nothing_and_more_are_passed_over():
    found = of_depth({1: [96.0, 96.1], 2: [96.5, 96.6]}, epochs=29)
    assert set(found["verdict"]) == {NOT_JUDGED}
    assert "trained for 29 epochs, the book's for 30" in found["rule"].iloc[0]
    found = of_depth({1: [96.0, 96.1], 2: [96.5, 96.6]}, epochs=31, best=95.0)
    assert found.loc["accuracy-1", "value"] == pytest.approx(95.0)
    assert found.loc["accuracy-1-best", "value"] == pytest.approx(95.0)
    assert NOT_JUDGED not in set(found["verdict"])


def weights(ends, *, epochs=30, width=30, firsts=((92.0, 92.5), (86.0, 86.5))):
    """Accuracies in % of two seeds with new and old weights after the last epoch, ``firsts`` after epoch 1."""
    frames = []
    for initializer, last, first in zip(("lecun_normal", "normal"), ends, firsts, strict=True):
        frame = accuracy({width: last}, epochs=epochs).rename(columns={"depth": "width"})
        for seed, value in enumerate(first):
            at = (frame["epoch"] == 1) & (frame["seed"] == seed) & (frame["split"] == "validation")
            frame.loc[at, "accuracy"] = np.float32(value / 100)
        frames.append(frame.assign(initializer=initializer))
    return pd.concat(frames).astype({"initializer": "category"})


def test_new_weights_learn_faster_at_first():
    found = table(learning_claims.initial_weights(weights(((96.5, 96.6), (96.4, 96.5)))))
    faster = found.loc["weights-faster-30"]
    assert faster["value"] == pytest.approx(6.0)
    assert (faster["published"], faster["verdict"]) == (6.27, HOLDS)
    published = found["published"][["weights-new-30-first", "weights-old-30-last"]]
    assert published.tolist() == [92.70, 96.37]
    assert found["value"][["weights-new-30-first", "weights-old-30-last"]].tolist() == pytest.approx(
        [92.25, 96.45]
    )


@pytest.mark.parametrize(
    ("new", "no_worse", "same"),
    [
        ((96.55, 96.56), HOLDS, HOLDS),
        ((96.9, 96.92), HOLDS, FAILS),
        ((96.41, 96.41), HOLDS, HOLDS),
        ((96.4, 96.4), FAILS, HOLDS),
        ((96.25, 96.25), FAILS, FAILS),
        ((96.75, 96.75), HOLDS, FAILS),
        ((96.74, 96.74), HOLDS, HOLDS),
    ],
)
def test_the_end_is_almost_the_same_within_a_quarter_point_and_no_worse_within_a_tenth(new, no_worse, same):
    found = table(learning_claims.initial_weights(weights((new, (96.5, 96.5)))))
    assert found["verdict"][["weights-no-worse-30", "weights-same-30"]].tolist() == [no_worse, same]


def test_the_wider_networks_do_not_meet():
    frame = weights(((97.8, 97.9), (97.4, 97.52)), width=100)
    found = table(learning_claims.initial_weights(frame))
    assert found.loc["weights-ahead-100", ["verdict", "published"]].tolist() == [HOLDS, 0.39]
    assert "weights-same-100" not in found.index


def test_the_first_epoch_is_judged_even_where_the_end_is_not():
    found = table(learning_claims.initial_weights(weights(((96.5, 96.6), (96.4, 96.5)), epochs=5)))
    judged = found["verdict"] != NOT_JUDGED
    assert judged[judged].index.tolist() == [
        "weights-faster-30",
        "weights-new-30-first",
        "weights-old-30-first",
    ]
    one = weights(((96.5, 96.6), (96.4, 96.5)), epochs=1, firsts=((92.0, 92.5), (86.0, 86.5)))
    found = table(learning_claims.initial_weights(one))
    assert found.loc["weights-no-worse-30", "value"] == found.loc["weights-faster-30", "value"]


def test_weights_or_widths_that_the_book_does_not_have_are_left_out():
    frame = weights(((96.5, 96.6), (96.4, 96.5)))
    assert table(learning_claims.initial_weights(frame[frame["initializer"] == "normal"])).empty
    assert table(learning_claims.initial_weights(frame.assign(width=50))).empty


@pytest.fixture(scope="module")
def tables():
    """All tables, of the default size."""
    return synthetic_book.tables()


def test_the_default_tables_judge_every_claim(tables):
    found = claims(tables)
    assert len(found) == 65
    assert found["claim_id"].is_unique
    assert set(found["verdict"]) == {HOLDS, ON_AVERAGE, FAILS}
    assert to_arrow(found, CLAIMS).to_pandas()["value"].notna().all()
    assert not found[["claim", "measure", "rule"]].eq("").any().any()
    assert found["share_of_seeds"].between(0, 1).all()
    expected = {"layer-helps-1-2": HOLDS, "layer-always-helps": FAILS, "initial-hundred": HOLDS}
    assert found.set_index("claim_id")["verdict"][list(expected)].to_dict() == expected


def test_the_order_of_the_rows_does_not_matter(tables):
    shuffled = {name: frame.sample(frac=1, random_state=0) for name, frame in tables.items()}
    pd.testing.assert_frame_equal(claims(shuffled), claims(tables))


@pytest.mark.parametrize("options", [{"dataset": "digits"}, {"seeds": 1}])
def test_other_images_or_a_single_seed_show_all_numbers_and_judge_the_chains_alone(options):
    found = claims(synthetic_book.tables(**options))
    judged = found[found["verdict"] != NOT_JUDGED]
    assert judged["claim_id"].str.startswith("chain-").all()
    assert len(judged) == 4
    assert len(found) == 65
    assert found["value"].notna().all()
    reason = "one seed gives no interval" if "seeds" in options else "the images are the embedded digits"
    assert found["rule"][found["verdict"] == NOT_JUDGED].str.startswith(f"not judged: {reason}").all()
