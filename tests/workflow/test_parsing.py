"""What happens before the first job: wrong configurations, and that the workflow's files are light to read."""

HEAVY = {"torch", "torchvision", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "matplotlib", "seaborn"}

SPY = """\
import atexit, os, pathlib, sys

def tell():
    names = {name.partition(".")[0] for name in sys.modules}
    pathlib.Path(os.environ["LOADED"] + str(os.getpid())).write_text(" ".join(names))

atexit.register(tell)
"""
"""Python runs this first if it stands as sitecustomize.py on its path; at its end it tells what was imported."""

BARE = """\
rule nothing:
    output:
        "nothing",
    shell:
        "touch {output}"
"""


def check_refused(workspace, ended, *problems):
    assert ended.status == 1
    said = [line for line in ended.output.splitlines() if not line.startswith("Config file ")]
    assert len(said) == len(problems)
    for line, problem in zip(said, problems, strict=True):
        assert line.startswith(problem)
    assert workspace.made() == []


def test_a_wrong_config_is_refused_with_every_problem_and_its_line(new):
    workspace = new(settings="")
    file = workspace.folder / "config.yaml"
    lines = file.read_text(encoding="utf-8").splitlines()
    device = 1 + next(number for number, line in enumerate(lines) if line.startswith("device:"))
    lines[device - 1] = "device: gpu"
    file.write_text("\n".join([*lines, "epochs: 3\n"]), encoding="utf-8")
    check_refused(
        workspace,
        workspace.snakemake(),
        f"config.yaml:{device} device: 'gpu' is not a device; allowed: auto, ",
        f"config.yaml:{len(lines) + 1} epochs: unknown key; ",
    )


def test_a_file_that_is_no_yaml_is_refused_with_its_line(new):
    workspace = new(settings="")
    (workspace.folder / "config.yaml").write_text("seeds: 1\nfactors: {depth: [1\n", encoding="utf-8")
    check_refused(workspace, workspace.snakemake("-n"), "config.yaml:3: not valid YAML: ")


def test_a_wrong_second_file_is_refused_with_its_line(new):
    workspace = new(settings="device: cpu\nfactors: {deph: 3}\n")
    problem = "settings.yaml:2 factors.deph: unknown key; allowed: depth, "
    check_refused(workspace, workspace.snakemake(), problem)


def test_a_wrong_override_is_refused(new):
    workspace = new(settings="")
    ended = workspace.snakemake("--config", "seeds=0", "training={epoch: 2}")
    problems = ("--config seeds: 0 is out of range; ", "--config training.epoch: unknown key; ")
    check_refused(workspace, ended, *problems)


def dry_run(workspace, folder):
    """What a dry run says, and the packages that it has imported at its end."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SPY, encoding="utf-8")
    with workspace.started("-n", PYTHONPATH=str(folder), LOADED=f"{folder}/") as running:
        ended = running.end()
    return ended, set((folder / str(running.pid)).read_text(encoding="utf-8").split())


def test_the_default_grid_is_planned_without_loading_anything_heavy(new, tmp_path):
    ours = new(settings="")
    bare = ours.copy(tmp_path / "bare")
    (bare.folder / "Snakefile").write_text(BARE, encoding="utf-8")
    ended, found = dry_run(ours, tmp_path / "spy")
    assert ended.jobs["train"] == 24
    assert "gradgrid" in found
    assert found & HEAVY <= dry_run(bare, tmp_path / "spy on bare")[1]
    assert ours.made() == []


def test_snakemakes_lint_finds_nothing(new):
    ended = new(settings="").snakemake("--lint")
    assert (ended.status, ended.output.strip()) == (
        0,
        "Congratulations, your workflow is in a good condition!",
    )
