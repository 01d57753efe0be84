"""Sparse images: minibatches and products against dense arithmetic."""

import numpy as np
import pytest
import torch
import training
from scipy import sparse

from gradgrid.train.pixels import Pixels, TrainingImages


def training_images(images=57):
    return training.images_of(training.dataset(images)).training


@pytest.mark.parametrize("size", [1, 7, 10, 57])
def test_minibatches_are_the_chosen_images(size):
    images = training_images()
    dense = torch.from_numpy(images.images.toarray())
    order = np.random.default_rng(0).permutation(57)
    table, seen = torch.randn(784, 48, dtype=torch.float64), 0
    for steps in images.minibatches(order, size):
        for minibatch in steps:
            chosen = torch.from_numpy(order[seen : seen + minibatch.size])
            x = dense[chosen]
            deltas = torch.randn(minibatch.size, 48, dtype=torch.float64)
            gradient = torch.zeros_like(table).index_add_(
                0, minibatch.active, minibatch.transposed.times(deltas)
            )
            torch.testing.assert_close(minibatch.images.times(table), x @ table)
            torch.testing.assert_close(gradient, x.T @ deltas)
            torch.testing.assert_close(minibatch.gram[0], x @ x.T)
            assert torch.equal(minibatch.targets, images.targets[chosen])
            seen += minibatch.size
    assert seen == 57


def test_images_without_any_pixel():
    images = TrainingImages(np.zeros((4, 9), np.float32), torch.eye(10)[:4])
    (steps,) = images.minibatches(np.arange(4), 2)
    table = torch.ones(9, 16)
    for minibatch in steps:
        assert torch.equal(minibatch.images.times(table), torch.zeros(2, 16))
        assert len(minibatch.active) == 0
        assert minibatch.transposed.times(torch.ones(2, 16)).shape == (0, 16)


def test_product_of_a_sparse_matrix():
    dense = np.diag(np.arange(5.0)).astype(np.float32)
    pixels = Pixels.of(sparse.csr_array(dense), torch.device("cpu"))
    table = torch.randn(5, 16)
    torch.testing.assert_close(pixels.times(table), torch.from_numpy(dense) @ table)
