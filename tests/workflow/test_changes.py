"""What an edit makes Snakemake do again: what it concerns, and nothing else."""

import pytest
from grid import assert_same_numbers, files, stamps

ACTIVATIONS = "[tanh, {leaky_relu: {negative_slope: 0.1}}]"


@pytest.mark.parametrize(
    ("override", "bundles"),
    [
        pytest.param("seeds=3", 2, id="a seed more"),
        pytest.param("factors={depth: [3, 1, 2]}", 2, id="a depth more, before the others"),
        pytest.param(f"factors={{activation: {ACTIVATIONS}}}", 4, id="an activation more"),
        pytest.param(
            "factors={initializer: [normal, lecun_normal, sparse]}", 4, id="more runs in each bundle"
        ),
        pytest.param(
            "factors={depth: 2, initializer: [normal, lecun_normal]}", 0, id="a depth less, reordered"
        ),
    ],
)
def test_only_the_bundles_concerned_are_trained(finished, override, bundles):
    ended = finished.workspace.snakemake("-n", "--config", override)
    assert ended.status == 0, ended.output
    assert ended.jobs.get("train", 0) == bundles
    assert "data" not in ended.jobs


def test_a_comment_in_the_configuration_renews_the_report_that_quotes_it(finished, tmp_path):
    workspace = finished.copy(tmp_path / "grid")
    with (workspace.folder / "config.yaml").open("a", encoding="utf-8") as file:
        file.write("# nothing else\n")
    assert workspace.snakemake("-n").jobs == {"report": 1, "all": 1}


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
