"""The command ``gradgrid``: check and plan a configuration without training anything."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gradgrid.core.config import load
from gradgrid.core.cost import Machine
from gradgrid.core.errors import ConfigError, GradgridError
from gradgrid.core.files import disk_problem
from gradgrid.core.numbers import counted
from gradgrid.core.plan import plan
from gradgrid.core.schema import schema_text
from gradgrid.core.status import Status, why_text
from gradgrid.core.summary import plan_table

_DEFAULT = [Path("config.yaml")]
_CONFIG = "the configuration (default: config.yaml); further files are laid over it, key by key"
_INTERRUPTED = 130
"""The exit status that shells expect after Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, or 1 after a problem, which is printed to stderr."""
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
        sys.stdout.flush()
    except GradgridError as error:
        print(error, file=sys.stderr)
        if isinstance(error, ConfigError) and len(error.problems) > 1:
            print(f"{len(error.problems)} problems", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if not (problem := disk_problem(error)):
            raise
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def check(options: argparse.Namespace) -> None:
    """Print one line that says that the configuration is good, or raise all of its problems."""
    asked = plan(load(*options.config))
    counts = ((len(asked.cells), "cell"), (len(asked.runs), "run"), (len(asked.bundles), "bundle"))
    cells, runs, bundles = (counted(*count) for count in counts)
    sizes = f"{cells}, {runs} in {bundles}"
    print(f"{' + '.join(map(str, options.config))}: OK: {sizes}")


def show_plan(options: argparse.Namespace) -> None:
    """Print what the configuration asks for, what of it would be trained now and why, and how long that takes."""
    from gradgrid.train.pace import measure_pace  # the compiled kernel, not PyTorch

    config = load(*options.config)
    status, machine = Status.of(config), Machine(options.cores, measure_pace())
    if options.json:
        print(json.dumps(status.record(machine), indent=2))
    else:
        print(plan_table(config, plan(config), machine), status.text(machine), sep="\n\n")


def why(options: argparse.Namespace) -> None:
    """Print what becomes of a run, or of the runs of a cell, and why."""
    records = Status.of(load(*options.config)).why(options.name)
    print(json.dumps(records, indent=2) if options.json else why_text(records))


def forget(options: argparse.Namespace) -> None:
    """Have runs trained again, and say which."""
    forgotten = Status.of(load(*options.config)).forget(options.names)
    print(f"{counted(len(forgotten), 'run')} will be trained again")


def merge(options: argparse.Namespace) -> None:
    """Take over runs from other results, and say what became of them."""
    from gradgrid.core.merge import merge as merged  # parquet: the other commands do without

    print(merged(load(*options.config), options.other).text())


def report(options: argparse.Namespace) -> None:
    """Build a report from the runs that are there, and say where it is."""
    from gradgrid import partial  # loads what draws

    part = partial.report(load(*options.config), options.config[0])
    print(f"{partial.REPORT}: {part.words}")


def summary(options: argparse.Namespace) -> None:
    """Print what the results came to."""
    from gradgrid.report import summary as results  # pandas: the other commands do without
    from gradgrid.report import terminal

    found = results.summary(results.PARTIAL if options.partial else results.WHOLE)
    print(json.dumps(found, indent=2, ensure_ascii=False) if options.json else terminal.text(found, _bold()))


def _bold() -> bool:
    """Whether headings may be bold: on a terminal that can, unless NO_COLOR (no-color.org) is set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def schema(options: argparse.Namespace) -> None:
    """Print the JSON schema of config.yaml."""
    print(schema_text(), end="")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gradgrid",
        description="See vanishing and exploding gradients: a grid of deep networks, every layer measured.",
        epilog="Everything is set in config.yaml; the README says how to train.",
    )
    parser.add_argument("--version", action="version", version=f"gradgrid {version('gradgrid')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    checks = _add(commands, "check", check, "say what is wrong with the configuration, line by line")
    plans = _add(commands, "plan", show_plan, "say what the configuration asks for and how long it takes")
    whys = _add(commands, "why", why, "say whether a run, or each run of a cell, would be trained, and why")
    whys.add_argument("name", metavar="RUN_OR_CELL", help="a run_id or a cell_id, as the tables hold them")
    forgets = _add(commands, "forget", forget, "have runs, or all runs of cells, trained again")
    forgets.add_argument("names", nargs="+", metavar="RUN_OR_CELL", help="run_ids and cell_ids")
    merges = _add(
        commands, "merge", merge, "take over runs that somebody else, or another machine, has trained"
    )
    merges.add_argument("other", type=Path, metavar="OTHER_RESULTS", help="the other's folder of results")
    reports = _add(
        commands, "report", report, "build a report from what is there, while the rest is being trained"
    )
    reports.add_argument(
        "--partial",
        action="store_true",
        required=True,
        help="from a part: the workflow itself reports the whole",
    )
    summaries = _add(commands, "summary", summary, "say what the results came to, as text for a terminal")
    summaries.add_argument(
        "--partial", action="store_true", help="from the results of the latest `gradgrid report --partial`"
    )
    _add(commands, "schema", schema, "print the JSON schema of config.yaml, for editors")
    for command in (checks, plans):
        command.add_argument("config", nargs="*", type=Path, default=_DEFAULT, metavar="CONFIG", help=_CONFIG)
    for command in (whys, forgets, merges, reports):
        command.add_argument(
            "--config", nargs="+", type=Path, default=_DEFAULT, metavar="CONFIG", help=_CONFIG
        )
    for command in (plans, whys, summaries):
        command.add_argument("--json", action="store_true", help="say it for machines")
    all_cores = os.cpu_count() or 1
    text = f"estimate the time on so many cores (default: {all_cores}, all of this machine)"
    plans.add_argument("--cores", type=_cores, default=all_cores, metavar="N", help=text)
    return parser


def _add(commands: Any, name: str, command: Callable, summary: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    parser.set_defaults(command=command)
    return parser


def _cores(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of cores; allowed: 1, 2, 3, …")


if __name__ == "__main__":
    sys.exit(main())
