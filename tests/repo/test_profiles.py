"""What goes to a cluster, and what the profiles have in common, without a cluster."""

import re
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]
RULE = re.compile(r"^rule (\w+):\n(.*?)(?=^rule |\Z)", re.MULTILINE | re.DOTALL)
LOCAL = re.compile(r"^localrules:\n((?:    \w+,\n)+)", re.MULTILINE)
RULES = {
    name: body
    for path in (REPOSITORY / "Snakefile", *REPOSITORY.glob("workflow/rules/*.smk"))
    for name, body in RULE.findall(path.read_text(encoding="utf-8"))
}


def settings(profile):
    """What a profile says."""
    return yaml.safe_load((REPOSITORY / "workflow/profiles" / profile / "config.yaml").read_text("utf-8"))


def test_rules_that_take_long_are_submitted_and_get_more_at_each_attempt():
    local = set(re.findall(r"\w+", LOCAL.search((REPOSITORY / "Snakefile").read_text("utf-8"))[1]))
    timed = {name for name, body in RULES.items() if "    benchmark:\n" in body}
    assert set(RULES) - local == timed
    for name in timed:
        amounts = ['"memory_mb"', '"runtime_minutes"'] if name == "train" else [r"\d+", r"\d+"]
        growing = "growing_with_bundle" if name == "train" else "growing"
        asked = r"mem_mb={0}\({1}\),\n +runtime={0}\({2}\),\n".format(growing, *amounts)
        assert re.search(asked, RULES[name]), name


def test_the_profile_of_a_cluster_repeats_the_default_one():
    assert settings("default").items() <= settings("slurm").items()
