"""The embedded digits: the same arrays everywhere and for ever."""

from dataclasses import asdict

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from gradgrid.core.datasets import SIZES
from gradgrid.data.arrays import digest
from gradgrid.data.digits import enlarge, read_digits, split_rows


@pytest.fixture(scope="module")
def arrays():
    return read_digits()


def test_the_arrays_are_the_ones_that_were_published_with_this_version(arrays):
    assert digest("digits", arrays) == "6c45ce115205090bd3d8ee059df99ac6"


def test_sizes_and_types(arrays):
    for split, size in asdict(SIZES["digits"]).items():
        assert arrays[f"{split}_images"].shape == (size, 784)
        assert arrays[f"{split}_labels"].shape == (size,)
        assert arrays[f"{split}_images"].dtype == arrays[f"{split}_labels"].dtype == np.uint8


def test_every_digit_stands_in_exactly_one_split(arrays):
    labels = load_digits().target
    rows = np.concatenate(list(split_rows(labels).values()))
    np.testing.assert_array_equal(np.sort(rows), np.arange(1797))


def test_validation_and_test_hold_25_of_each_class_and_the_training_images_are_mixed(arrays):
    for split in ("validation", "test"):
        np.testing.assert_array_equal(np.bincount(arrays[f"{split}_labels"]), np.full(10, 25))
    assert np.bincount(arrays["train_labels"][:1000]).min() > 80


def test_enlarging_is_torchs_bilinear_interpolation_within_a_frame():
    images = load_digits().images
    expected = torch.nn.functional.interpolate(
        torch.tensor(images)[:, None], size=(20, 20), mode="bilinear", align_corners=False, antialias=True
    )
    exact = expected[:, 0].numpy() * 255 / 16
    enlarged = enlarge(images.astype(np.int64))
    assert np.abs(enlarged[:, 4:24, 4:24] - exact).max() <= 0.5 + 1e-9
    assert enlarged.astype(int).sum() == enlarged[:, 4:24, 4:24].astype(int).sum()
