"""What a plan asks for, in words and a table for the terminal."""

from collections.abc import Callable, Iterable, Sequence

from gradgrid.core.config import Config, Factors
from gradgrid.core.cost import Estimate, Machine, estimate, place, training_seconds
from gradgrid.core.numbers import counted
from gradgrid.core.plan import Plan

_TABLES = ("runs", "cells", "gradients", "accuracy", "clipping")
_LARGEST_UNITS = ((86_400, "days"), (3_600, "hours"), (60, "minutes"))


def plan_table(config: Config, plan: Plan, machine: Machine) -> str:
    """Cells, runs and bundles; for the dataset and its fallback, rows to be written and the time it takes."""
    fallback = config.dataset.fallback
    datasets = list(dict.fromkeys([config.dataset.name, *([fallback] if fallback else [])]))
    columns = [estimate(plan, config, dataset, machine) for dataset in datasets]
    estimates = _estimates(columns, place(config, machine), config.book is not None)
    return f"{_sizes(config, plan, datasets[0], machine)}\n\n{estimates}"


def duration(seconds: float) -> str:
    """About how long, in the largest unit that gives a number above 1.5: ``50 minutes``, ``1.8 hours``."""
    for size, unit in _LARGEST_UNITS:
        if seconds >= 1.5 * size:
            number = seconds / size
            return f"{number:.0f} {unit}" if number >= 10 else f"{number:.1f} {unit}"
    return counted(max(round(seconds), 1), "second")


def _sizes(config: Config, plan: Plan, dataset: str, machine: Machine) -> str:
    levels = {name: len(getattr(config.factors, name)) for name in Factors.model_fields}
    product = " × ".join(f"{count} {name}" for name, count in levels.items() if count > 1)
    longest = max(training_seconds([bundle], config, dataset, machine) for bundle in plan.bundles)
    most = max(len(bundle.runs) for bundle in plan.bundles)
    together = f"of at most {counted(most, 'run')}, the longest about {duration(longest)} on {dataset}"
    return aligned(
        [
            ("cells", f"{len(plan.cells):,}", product or "one level of every factor"),
            ("runs", f"{len(plan.runs):,}", f"{counted(len(config.seeds), 'seed')} a cell"),
            ("bundles", f"{len(plan.bundles):,}", together),
        ],
        "<><",
    )


def _estimates(columns: Sequence[Estimate], where: str, book: bool) -> str:
    def row(title: str, value: Callable[[Estimate], str]) -> tuple[str, ...]:
        return (title, *map(value, columns))

    names = [columns[0].dataset, *(f"{column.dataset} (the fallback)" for column in columns[1:])]
    return aligned(
        [
            ("on", *names),
            row("epochs", lambda e: f"{e.epochs:,}"),
            row("steps a run", lambda e: f"{e.steps:,}"),
            row("measured steps", lambda e: f"{e.measured:,}"),
            *(row(f"rows of {table}", lambda e, table=table: f"{e.rows[table]:,}") for table in _TABLES),
            row(f"time on {where}", lambda e: f"about {duration(e.seconds)}"),
            *([row("the book's chapter", lambda e: f"about {duration(e.book_seconds)}")] if book else []),
        ],
        "<" + ">" * len(columns),
    )


def aligned(rows: Iterable[Sequence[str]], sides: str, gap: str = "  ") -> str:
    """Rows of cells as text, each column as wide as its widest cell, ``<`` left or ``>`` right."""
    columns = zip(*rows, strict=True)
    padded = [_padded(column, side) for column, side in zip(columns, sides, strict=True)]
    return "\n".join(gap.join(line).rstrip() for line in zip(*padded, strict=True))


def _padded(column: Sequence[str], side: str) -> list[str]:
    width = max(map(len, column))
    return [f"{cell:{side}{width}}" for cell in column]
