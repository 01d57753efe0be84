"""The images in the workflow: a download that fails, and one that succeeds at last."""

import pytest
from faults import RUNS, log
from faults import SETTINGS as ONE_BUNDLE
from grid import numbers

from gradgrid.core.config import load
from gradgrid.core.plan import plan


def test_without_a_fallback_a_failed_download_ends_the_run_and_leaves_nothing(new):
    workspace = new()
    ended = workspace.snakemake("--config", "dataset={fallback: null}")
    assert ended.status == 1
    for said in (ended.output, (workspace.folder / "results/logs/data.log").read_text(encoding="utf-8")):
        assert "MNIST could not be downloaded:\n" in said
        assert "Traceback" not in said
    assert "set dataset.fallback: digits." in ended.output
    assert workspace.made() == ["results/logs/data.log"]


@pytest.mark.slow
def test_mnist_that_can_be_had_at_last_is_noticed_and_trained_on(new, mnist_dir):
    asks_for_mnist = ONE_BUNDLE.replace("dataset: {name: digits}\n", "")
    workspace = new(
        asks_for_mnist.replace("digits_epochs: 8", "digits_epochs: 1, epochs: 1, measure_steps: [1]")
    )
    assert workspace.snakemake(RUNS).status == 0
    assert workspace.snakemake(RUNS, "-n").jobs == {}
    available = {"MNIST_DIR": str(mnist_dir)}
    jobs = {"data": 1, "train": 1, "runs": 1}
    assert workspace.snakemake(RUNS, "-n", **available).jobs == jobs
    ended = workspace.snakemake(RUNS, **available)
    assert (ended.status, ended.jobs) == (0, jobs), ended.output
    (bundle,) = plan(load(workspace.folder / "config.yaml", workspace.folder / "settings.yaml")).bundles
    assert "4 runs: 0 fresh, 4 to train: dataset: mnist, was digits (4)" in log(workspace, bundle.key)
    assert set(numbers(workspace.folder / RUNS)["dataset"].to_pylist()) == {"mnist"}
    assert workspace.snakemake(RUNS, "-n").jobs == {}, "it is here now, whether the folder is or not"
