"""The command ``gradgrid``: check and plan a configuration without training anything."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gradgrid.core.config import load
from gradgrid.core.errors import ConfigError, GradgridError
from gradgrid.core.plan import plan
from gradgrid.core.schema import schema_text
from gradgrid.core.summary import plan_table

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
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def check(options: argparse.Namespace) -> None:
    """Print one line that says that the configuration is good, or raise all of its problems."""
    asked = plan(load(*options.config))
    sizes = f"{len(asked.cells):,} cells, {len(asked.runs):,} runs in {len(asked.bundles):,} bundles"
    print(f"{' + '.join(map(str, options.config))}: OK: {sizes}")


def show_plan(options: argparse.Namespace) -> None:
    """Print what the configuration asks for, what it writes and about how long it takes."""
    config = load(*options.config)
    print(plan_table(config, plan(config), options.cores))


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
    _add(commands, "schema", schema, "print the JSON schema of config.yaml, for editors")
    for command in (checks, plans):
        command.add_argument(
            "config",
            nargs="*",
            type=Path,
            default=[Path("config.yaml")],
            metavar="CONFIG",
            help="the configuration (default: config.yaml); further files are laid over it, key by key",
        )
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
