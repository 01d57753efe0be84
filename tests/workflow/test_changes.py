"""What is trained already is left alone, and training it again gives the same numbers."""

from grid import assert_same_numbers, files, stamps


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
