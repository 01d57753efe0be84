"""Time and memory that a bundle's job is given: models of both, beside what jobs took."""

from itertools import pairwise

import pytest
from configs import config

from gradgrid.core import resources
from gradgrid.core.cost import bundle_seconds
from gradgrid.core.plan import plan
from gradgrid.core.resources import bundle_memory, bundle_resources
from gradgrid.train import images, pixels

INITIALIZERS = ["normal", "lecun_normal", "uniform", "kaiming_normal", "xavier_normal", "orthogonal"]
SIX_CLIPPINGS = [None, *({"norm": threshold} for threshold in (0.5, 1, 2, 4, 8))]


def given(dataset="mnist", training=None, **factors):
    """Seconds, memory in MiB, and the resources of a bundle of two runs, with some factors changed."""
    asked = config(**factors)
    asked = asked.model_copy(update={"training": asked.training.model_copy(update=training or {})})
    bundle = plan(asked).bundles[0]
    memory = bundle_memory(bundle, asked.training, dataset)
    return bundle_seconds(bundle, asked, dataset), memory, bundle_resources(bundle, asked, dataset)


@pytest.mark.parametrize(
    "levels",
    [
        [{"depth": depth} for depth in (1, 2, 8, 40)],
        [{"width": width} for width in (10, 30, 100, 1_000)],
        [{"initializer": INITIALIZERS[:count]} for count in (1, 2, 4, 6)],
        [{"training": {"epochs": epochs}} for epochs in (1, 5, 30, 1_000)],
        [{"dataset": dataset} for dataset in ("digits", "mnist")],
    ],
    ids=["depth", "width", "runs", "epochs", "dataset"],
)
def test_time_and_memory_grow_with_the_work(levels):
    found = [given(**level) for level in levels]
    for less, more in pairwise(found):
        assert less[0] < more[0]
        assert less[1] < more[1]
        assert less[2].runtime_minutes <= more[2].runtime_minutes
        assert less[2].memory_mb <= more[2].memory_mb


def test_head_room_and_the_least_of_both():
    seconds, memory, small = given(depth=1)
    assert (small.runtime_minutes, small.memory_mb) == (10, 2_000)
    assert 3 * seconds < 600
    assert 1.5 * memory < 2_000
    seconds, memory, large = given(depth=8, width=1_000, training={"epochs": 30})
    assert 3 * seconds <= 60 * large.runtime_minutes < 3 * seconds + 60
    assert 1.5 * memory <= large.memory_mb < 1.5 * memory + 100


def test_jobs_for_a_gpu_are_given_more_memory_and_large_stacks_more_still():
    def on(device, initializers):
        asked = config(depth=1, initializer=initializers).model_copy(update={"device": device})
        return bundle_resources(plan(asked).bundles[0], asked, "mnist").memory_mb

    many = [{"normal": {"std": (i + 1) / 1000}} for i in range(2000)]
    assert on("auto", many[:4]) == on("cpu", many[:4]) == 2_000
    assert on("cuda", many[:4]) >= 1.5 * resources.GPU_PROCESS_MIB
    stack = 4 * resources.HOST_COPIES * resources._parameters(1, 30) / 2**20
    assert on("cuda", many) - on("cuda", many[:1000]) > 1.5 * 1000 * stack, "of each run in the stack"


def test_minibatches_of_all_images_take_memory():
    assert given("digits", {"minibatch": 1_297})[1] > given("digits", {"minibatch": 100})[1]
    products = 4 * 50_000**2 / 2**20
    assert given(training={"minibatch": 10**6})[1] > products, "of each two of the 50,000 images one"


@pytest.mark.parametrize(
    ("dataset", "factors", "training", "peak"),
    [
        ("digits", {"depth": 1, "width": 8, "initializer": INITIALIZERS[:4]}, {}, 676),
        ("digits", {"depth": 8, "initializer": INITIALIZERS, "clipping": SIX_CLIPPINGS}, {}, 811),
        ("mnist", {"depth": 1, "initializer": INITIALIZERS[:4]}, {}, 1_048),
        ("mnist", {"depth": 8, "initializer": INITIALIZERS, "clipping": SIX_CLIPPINGS}, {}, 1_046),
        (
            "digits",
            {"depth": 2, "width": 300, "initializer": INITIALIZERS[:4], "clipping": SIX_CLIPPINGS[:4]},
            {"minibatch": 100},
            872,
        ),
        ("digits", {"depth": 4, "width": 100, "clipping": SIX_CLIPPINGS[:4]}, {"minibatch": 1_200}, 856),
    ],
)
def test_peaks_that_were_recorded_are_within_the_head_room(dataset, factors, training, peak):
    """Peaks in MiB; the first four are ``peak_memory_mib`` of jobs with PyTorch 2.15."""
    memory = given(dataset, training, **factors)[1]
    assert peak / resources.MEMORY_HEADROOM < memory < 1.2 * peak


def test_images_are_taken_as_many_at_a_time_as_in_training():
    assert resources.BLOCK == images.BLOCK
    assert (resources.STEPS_AT_ONCE, resources.IMAGES_AT_ONCE) == (
        pixels._STEPS_AT_ONCE,
        pixels._IMAGES_AT_ONCE,
    )
