"""What is trained already is left alone, and training it again gives the same numbers."""

from faults import RUNS, log
from faults import SETTINGS as ONE_BUNDLE
from grid import assert_same_numbers, files, numbers, stamps

from gradgrid.core.config import load
from gradgrid.core.plan import plan


def test_what_is_trained_already_is_left_alone(finished, tmp_path):
    workspace = finished.copy(tmp_path / "grid")
    kept = stamps(workspace.folder, [bundle.key for bundle in finished.plan.bundles])
    settings = workspace.settings.replace("seeds: 2", "seeds: [1, 2]").replace(
        "depth: [1, 2]", "depth: [2, 3]"
    )
    (workspace.folder / "settings.yaml").write_text(settings, encoding="utf-8")
    ended = workspace.snakemake("--until", "train")
    assert ended.status == 0, ended.output
    assert ended.jobs["train"] == 3  # of four; depth 2 with seed 1 is there
    assert stamps(workspace.folder, [bundle.key for bundle in finished.plan.bundles]) == kept
    assert len(list(workspace.folder.glob("results/grid/runs/**/*.parquet"))) == 4 + 3


def test_training_again_gives_the_same_numbers(finished, tmp_path):
    workspace = finished.copy(tmp_path / "grid")
    key = finished.plan.bundles[0].key
    target = files(workspace.folder, key)["runs"]
    before = target.stat().st_mtime_ns
    ended = workspace.snakemake(str(target.relative_to(workspace.folder)), "--forcerun", "train")
    assert (ended.status, ended.jobs) == (0, {"train": 1}), ended.output
    assert target.stat().st_mtime_ns > before
    assert_same_numbers(workspace.folder, finished.workspace.folder, key)


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
