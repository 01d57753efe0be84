"""What the grid's jobs used, beside what they were given: from the files that the workflow's engine times them in."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from gradgrid.core.config import Config
from gradgrid.core.cost import bundle_seconds
from gradgrid.core.errors import GradgridError
from gradgrid.core.plan import Bundle, plan
from gradgrid.core.resources import bundle_resources
from gradgrid.core.trainings import training_facts

RESULTS = Path("results")
"""Where the jobs leave their files, from the folder of the workflow."""


@dataclass(frozen=True)
class Used:
    """Wall time of a job and the CPU time it was seen to have used, in seconds; its peak of memory in MB of 2²⁰ bytes.

    Both are looked up every half a second for the first 15 seconds of a job and twice a minute from then on: of the
    CPU time up to half a minute is missing.
    """

    seconds: float
    cpu_seconds: float
    memory_mb: float

    @classmethod
    def read(cls, path: Path) -> "Used | None":
        """What a file says, tab-separated under the heads ``s``, ``cpu_time`` and ``max_rss``; None if it does not."""
        try:
            with path.open(encoding="utf-8", newline="") as file:
                row = next(csv.DictReader(file, delimiter="\t"))
            return cls(float(row["s"]), float(row["cpu_time"]), float(row["max_rss"]))
        except (OSError, ValueError, KeyError, TypeError, StopIteration, csv.Error):
            return None


def usage(
    config: Config, dataset: str, bundles: Iterable[Bundle] | None = None, results: Path = RESULTS
) -> list[dict[str, Any]]:
    """One entry for each depth with measured jobs: what they were given at most, used at most, and used in all.

    ``bundles`` are those whose files are up to date, trained on ``dataset``; all of the plan by default. What their
    jobs were given is what they are given at the first attempt, if nothing else is asked for.
    """
    found = plan(config).bundles if bundles is None else bundles
    by_depth = groupby(sorted(found, key=_depth), key=_depth)
    entries = (_entry(depth, list(members), config, dataset, results) for depth, members in by_depth)
    return [entry for entry in entries if entry]


def _depth(bundle: Bundle) -> int:
    return bundle.depth


def _entry(depth: int, bundles: list[Bundle], config: Config, dataset: str, results: Path) -> dict[str, Any]:
    jobs = list(_measured(bundles, results))
    if not jobs:
        return {}
    given = [bundle_resources(bundle, config, dataset) for bundle, _ in jobs]
    return {
        "depth": depth,
        "bundles": len(bundles),
        "measured": len(jobs),
        "runtime_minutes": max(resources.runtime_minutes for resources in given),
        "longest_seconds": max(used.seconds for _, used in jobs),
        "memory_mb": max(resources.memory_mb for resources in given),
        "largest_memory_mb": max(used.memory_mb for _, used in jobs),
        "cpu_seconds": round(sum(used.cpu_seconds for _, used in jobs), 2),
        "seconds": round(sum(used.seconds for _, used in jobs), 2),
        "estimated_seconds": round(sum(bundle_seconds(bundle, config, dataset) for bundle, _ in jobs), 2),
    }


def _measured(bundles: list[Bundle], results: Path) -> Iterator[tuple[Bundle, Used]]:
    for bundle in bundles:
        used = Used.read(results / "benchmarks" / "train" / f"{bundle.key}.tsv")
        if used and trained_all(bundle, used, results / "grid" / "runs" / f"{bundle.key}.parquet"):
            yield bundle, used


def trained_all(bundle: Bundle, used: Used, runs: Path) -> bool:
    """Whether the job that was timed is the one that trained all runs of its bundle, on the CPU.

    The file ``runs`` says what trained them. A job that kept some leaves two trainings there; one that kept all,
    which loads no PyTorch, uses far less memory than that training, and is shorter unless that took a second or two;
    one that went on from a checkpoint is shorter than the training, to which the earlier processes' time belongs.
    """
    try:
        (facts,) = training_facts(runs)
        whole = facts["device"] == "cpu" and set(facts["runs"]) == {run.run_id for run in bundle.runs}
        return whole and used.seconds >= facts["seconds"] and used.memory_mb > facts["peak_memory_mib"] / 2
    except (GradgridError, ValueError, KeyError, TypeError):
        return False
