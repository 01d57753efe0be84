"""The summary of the results as text for a terminal: 80 columns, bold headings only where somebody asks for them."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from gradgrid.core.numbers import counted
from gradgrid.core.summary import aligned
from gradgrid.report.numbers import NONE, count, percent

WIDTH = 80
Record = Mapping[str, Any]


def text(summary: Record, bold: bool = False) -> str:
    """What :func:`gradgrid.report.summary.summary` found, in words and tables."""
    parts = {
        "Findings": _findings(summary["findings"]),
        "Best cells, by validation accuracy": _cells(summary["best"]),
        "Worst cells, of those with a completed run": _cells(summary["worst"]),
        "Runs by depth and verdict": _verdicts(summary["verdicts"]),
        "Initializers, by mean rank of test accuracy": _ranks(summary["ranks"]),
        "Diverged": _diverged(summary),
        "Report": _report(summary),
    }
    blocks = (f"{_heading(title, bold)}\n{body}" for title, body in parts.items() if body)
    return "\n\n".join([_head(summary), *blocks])


def _heading(title: str, bold: bool) -> str:
    return f"\033[1m{title}\033[0m" if bold else title


def _wrapped(line: str, first: str = "", then: str = "") -> str:
    """Lines of at most 80 characters; the first begins with ``first``, the others with ``then``."""
    filled = textwrap.fill(
        line.replace(" %", "\N{NO-BREAK SPACE}%"),
        WIDTH,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return filled.replace("\N{NO-BREAK SPACE}", " ")


def _head(summary: Record) -> str:
    """What there is and on which data; loudly if they are not those that were asked for."""
    data, seeds, asked = summary["data"], summary["seeds"], summary["runs_asked"]
    part = f" of {count(asked)}" if summary["runs"] < asked else ""
    lines = [
        f"{count(summary['runs'])}{part} runs: {counted(summary['cells'], 'cell')} × "
        f"{counted(len(seeds), 'seed')}, {counted(summary['epochs'], 'epoch')}, on {data['title']}",
    ]
    if data["fallback"]:
        lines.append(f"NOT {data['requested_title']}, which was asked for. {data['message'].splitlines()[0]}")
    lines.append(
        "Intervals are 95 % intervals over the seeds."
        if len(seeds) > 1
        else "With one seed there are no intervals: nothing here tells a difference from chance."
    )
    return "\n".join(map(_wrapped, lines))


def _findings(found: Sequence[Record]) -> str:
    return "\n".join(
        _wrapped(finding["sentence"], f"{number}. ", "   ") for number, finding in enumerate(found, start=1)
    )


def _cells(cells: Sequence[Record]) -> str:
    """The numbers first, because names have any length; they go on below themselves."""
    if not cells:
        return ""
    head = ("validation", "interval", "test", "diverged", "cell")
    rows = [head, *map(_cell, cells)]
    numbers = aligned([row[:-1] for row in rows], ">>>>").splitlines()
    width = max(map(len, numbers))
    return "\n".join(
        _wrapped(row[-1], f"{line:<{width}}  ", " " * (width + 2))
        for row, line in zip(rows, numbers, strict=True)
    )


def _cell(cell: Record) -> tuple[str, ...]:
    low, high = (cell[f"validation_accuracy_{end}"] for end in ("low", "high"))
    return (
        percent(cell["validation_accuracy_mean"]),
        NONE if low is None else f"{percent(low)} to {percent(high)}",
        percent(cell["test_accuracy_mean"]),
        f"{cell['runs_diverged']} of {cell['seeds']}",
        f"{cell['name']}: {cell['verdict']}",
    )


def _verdicts(depths: Sequence[Record]) -> str:
    """A row a depth, so that any number of depths fits; a verdict of two words stands on two lines."""
    words = list(depths[0]["runs"])
    heads = [("", "depth"), *(word.rpartition(" ")[::2] for word in words), ("", "all")]
    numbers = [[row["runs"][word] for word in words] for row in depths]
    names = [*(str(row["depth"]) for row in depths), "all"]
    numbers.append([sum(column) for column in zip(*numbers, strict=True)])
    body = [(name, *map(count, row), count(sum(row))) for name, row in zip(names, numbers, strict=True)]
    rows = [*(line for line in zip(*heads, strict=True) if any(line)), *body]
    return _fitting(rows, ">" * len(heads))


def _fitting(rows: Sequence[Sequence[str]], sides: str) -> str:
    """The table, its columns nearer together where it would be too wide."""
    table = aligned(rows, sides)
    return table if len(table.splitlines()[-1]) <= WIDTH else aligned(rows, sides, " ")


def _ranks(ranks: Sequence[Record]) -> str:
    if not ranks:
        return ""
    rows = [("mean rank", "accuracy", "diverged", "initializer")]
    rows += [
        (
            f"{row['mean_rank']:.1f}",
            percent(row["accuracy"]),
            f"{row['runs_diverged']} of {row['runs']}",
            row["initializer"],
        )
        for row in ranks
    ]
    first = ranks[0]
    note = (
        f"Over {counted(first['conditions'], 'condition')}; mean ranks nearer than "
        f"{first['critical_difference']:.1f}, the critical difference, are not told apart. "
        "In accuracy a diverged run counts as guessing."
    )
    return f"{aligned(rows, '>>><')}\n{_wrapped(note)}"


def _diverged(summary: Record) -> str:
    lost, whole = summary["diverged"], summary["cells_all_diverged"]
    if not lost["runs"]:
        return "No run diverged."
    every = f"; in {counted(whole, 'cell')} every one" if whole else ""
    lines = [f"{count(lost['runs'])} of {counted(summary['runs'], 'run')}{every}."]
    for factor, levels in lost["by"].items():
        said = (
            f"{_level(row['level'])} ({count(row['diverged'])} of {count(row['runs'])})" for row in levels
        )
        lines.append(f"by {factor.replace('_', ' ')}: {', '.join(said)}")
    return "\n".join(_wrapped(line, then="   ") for line in lines)


def _level(level: float | str) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)


def _report(summary: Record) -> str:
    return summary["report"] or f"not there; `{summary['command']}` builds it"
