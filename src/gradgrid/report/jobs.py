"""The table of what the grid's jobs were given and what they used."""

from collections.abc import Mapping, Sequence
from typing import Any

from gradgrid.report.numbers import count, duration, significant
from gradgrid.report.sections import Table

HEADINGS = (
    "depth",
    "jobs",
    "time given",
    "longest",
    "memory given, MB",
    "largest",
    "CPU time, all",
    "time, all",
    "estimate, all",
    "time ÷ estimate",
)
MEASURED = "those that trained all runs of their bundle in one go, on the CPU, and left their measurements"
AT_MOST, SUMMED = (
    ("runtime_minutes", "longest_seconds", "memory_mb", "largest_memory_mb"),
    ("bundles", "measured", "cpu_seconds", "seconds", "estimated_seconds"),
)


def table(entries: Sequence[Mapping[str, Any]]) -> Table | None:
    """A row for each entry of :func:`gradgrid.core.usage.usage`, and one for all; None without any."""
    if not entries:
        return None
    most = {name: max(entry[name] for entry in entries) for name in AT_MOST}
    whole = most | {name: sum(entry[name] for entry in entries) for name in SUMMED}
    rows = [(str(entry["depth"]), [_row(entry)]) for entry in entries]
    rows += [("all", [_row(whole)])] if len(entries) > 1 else []
    return Table("jobs-table", _caption(whole), HEADINGS, 1, rows)


def _row(entry: Mapping[str, Any]) -> list[str]:
    return [
        count(entry["measured"]),
        f"{count(entry['runtime_minutes'])} min",
        duration(entry["longest_seconds"]),
        count(entry["memory_mb"]),
        count(entry["largest_memory_mb"]),
        duration(entry["cpu_seconds"]),
        duration(entry["seconds"]),
        duration(entry["estimated_seconds"]),
        significant(entry["seconds"] / entry["estimated_seconds"], 2),
    ]


def _caption(whole: Mapping[str, Any]) -> str:
    measured, bundles = count(whole["measured"]), count(whole["bundles"])
    return (
        "What the grid's jobs were given at most, at the first attempt, and what they used. Counted are "
        f"{measured} of the {bundles} bundles' jobs: {MEASURED}. Of the CPU time up to half a minute a job was not "
        "seen. The estimate is the plan's, of one core's work; on a core that is shared, jobs take longer."
    )
