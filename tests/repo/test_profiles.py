"""What goes to a cluster, and what the profiles have in common, without a cluster."""

import re
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
PROFILES = REPOSITORY / "workflow/profiles"
RULE = re.compile(r"^rule (\w+):\n(.*?)(?=^rule |\Z)", re.MULTILINE | re.DOTALL)
LOCAL = re.compile(r"^localrules:\n((?:    \w+,\n)+)", re.MULTILINE)
RULES = {
    name: body
    for path in (REPOSITORY / "Snakefile", *REPOSITORY.glob("workflow/rules/*.smk"))
    for name, body in RULE.findall(path.read_text(encoding="utf-8"))
}


def settings(profile):
    """What a profile says."""
    return yaml.safe_load((PROFILES / profile / "config.yaml").read_text("utf-8"))


def test_rules_that_take_long_are_submitted_and_get_more_at_each_attempt():
    local = set(re.findall(r"\w+", LOCAL.search((REPOSITORY / "Snakefile").read_text("utf-8"))[1]))
    timed = {name for name, body in RULES.items() if "    benchmark:\n" in body}
    assert set(RULES) - local == timed
    for name in timed:
        amounts = ['"memory_mb"', '"runtime_minutes"'] if name == "train" else [r"\d+", r"\d+"]
        growing = "growing_with_bundle" if name == "train" else "growing"
        asked = r"mem_mb={0}\({1}\),\n +runtime={0}\({2}\),\n".format(growing, *amounts)
        assert re.search(asked, RULES[name]), name


@pytest.mark.parametrize("profile", ["slurm", "generic", "gpu"])
def test_the_other_profiles_repeat_the_default_one(profile):
    assert settings("default").items() <= settings(profile).items()


def test_the_profile_for_any_scheduler_treats_jobs_as_the_one_for_slurm_does():
    alike = (
        "jobs",
        "local-cores",
        "retries",
        "keep-going",
        "show-failed-logs",
        "keep-incomplete",
        "latency-wait",
    )
    assert {name: settings("generic")[name] for name in alike} == {
        name: settings("slurm")[name] for name in alike
    }


def test_what_trains_on_the_device_asks_for_a_gpu():
    on_device = {name for name, body in RULES.items() if "CONFIG.device" in body or name == "train"}
    asked = {name: {"gpu": 1} for name in on_device}
    lines = {"config": {"device": "cuda"}, "set-resources": asked}
    assert settings("gpu") == {**settings("default"), **lines, "resources": {"gpu": 1}}
    commented = (PROFILES / "slurm/config.yaml").read_text("utf-8").split("# Edit: one GPU")[1]
    block = re.search(r"\n((?:# .*\n)+)", commented)[1]
    assert yaml.safe_load(re.sub("^# ", "", block, flags=re.MULTILINE)) == lines
