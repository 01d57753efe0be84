"""What a result came from: versions, hardware, operating system, git state, data and settings.

Neither host names nor absolute paths are recorded: a report is made to be sent to others.
"""

import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradgrid.core.entries import Entry, clipping_label, normalization_label, residual_label
from gradgrid.core.errors import GradgridError
from gradgrid.core.files import replacing
from gradgrid.core.trainings import BEGAN, training

if TYPE_CHECKING:
    from gradgrid.core.config import Config

PACKAGES = (
    "gradgrid",
    "torch",
    "torchvision",
    "numpy",
    "pandas",
    "pyarrow",
    "matplotlib",
    "seaborn",
    "snakemake",
)

# A path of two components or more that starts at the root, a drive or a home; in quotes it may hold spaces.
# The lookbehinds leave URLs, fractions and relative paths alone.
_START = r"(?:[A-Za-z]:[\\/]|\\\\|/|~[\w-]*/)"
_QUOTED_PATH = re.compile(rf"""(?P<quote>["']){_START}[^"'\n]*?(?P<last>[^\\/"'\n]*)[\\/]?(?P=quote)""")
_BARE_PATH = re.compile(
    rf"""(?<![\w.:/\\~"'<>-]){_START}(?:[^\s\\/"',;{{}}\[\]()]+[\\/])+(?P<last>[^\s\\/"',;{{}}\[\]()]*)"""
)


def without_paths(text: str) -> str:
    """The text with the home folder written ``~`` and every absolute path cut to ``…/`` and its last part."""
    home = str(Path.home())
    text = text.replace(home, "~") if len(home) > 1 else text  # in a container home may be /
    text = _QUOTED_PATH.sub(lambda m: f"{m['quote']}…/{m['last']}{m['quote']}", text)
    return _BARE_PATH.sub(lambda m: f"…/{m['last']}", text)


def versions() -> dict[str, str]:
    """Version of Python and of each package that can change a number; read without importing any."""
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def hardware() -> dict[str, str | int | float | None]:
    """Processor model, logical cores, cores this process may use, and memory in GiB (None where unknown)."""
    return {
        "cpu": _cpu_model(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "cores_usable": _usable_cores(),
        "memory_gib": _memory_gib(),
    }


def _usable_cores() -> int | None:
    if hasattr(os, "sched_getaffinity"):  # absent on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _cpu_model() -> str:
    if sys.platform == "darwin":
        return _output_of("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _memory_gib() -> float | None:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf; some systems lack the names
        return None
    return round(size / 2**30, 1)


def operating_system() -> str:
    """Name, release and C library of the operating system, without the host's name."""
    libc = " ".join(part for part in platform.libc_ver() if part)
    return ", ".join(part for part in (f"{platform.system()} {platform.release()}", libc) if part)


def git_state(folder: Path) -> dict[str, str | bool | None]:
    """Commit of the checkout that holds the folder and whether tracked files differ from it.

    ``state`` says "clean", "modified" or "not a git checkout"; without a checkout the commit is None.
    """
    commit = _output_of("git", "-C", str(folder), "rev-parse", "HEAD")
    changes = _output_of("git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no")
    if not commit or changes is None:
        return {"commit": None, "dirty": None, "state": "not a git checkout"}
    return {"commit": commit, "dirty": bool(changes), "state": "modified" if changes else "clean"}


def _output_of(*command: str) -> str | None:
    """Standard output of a command, stripped; None if it is not installed, fails or takes over 10 s."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def now() -> str:
    """The time in UTC as ``2026-01-31T12:00:00Z``; SOURCE_DATE_EPOCH, if set, takes its place.

    Source: https://reproducible-builds.org/specs/source-date-epoch/
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        return _written(int(epoch) if epoch else time.time())
    except (ValueError, OverflowError, OSError) as error:
        raise GradgridError(
            f"SOURCE_DATE_EPOCH is {epoch!r}, no time: give whole seconds since 1970, or unset it"
        ) from error


def _written(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def environment(folder: Path | None = None) -> dict[str, Any]:
    """Versions, hardware, operating system, git state of ``folder`` (the working one by default) and time."""
    return {
        "time": now(),
        "versions": versions(),
        "hardware": hardware(),
        "operating_system": operating_system(),
        "git": git_state(folder or Path.cwd()),
    }


def write(
    out: Path,
    *,
    dataset: Path,
    config: "Config",
    bundles: Iterable[Path] = (),
    jobs: Sequence[Mapping[str, Any]] = (),
    folder: Path | None = None,
) -> None:
    """Write ``results/provenance.json``: environment, data, settings as used, and what trained the bundles.

    ``dataset`` is the JSON file of the data step, ``config`` the validated configuration, overrides included,
    ``bundles`` the bundles' runs files, ``jobs`` what :func:`gradgrid.core.usage.usage` found of their jobs,
    ``folder`` a folder of the checkout (the working one by default). When the workflow that writes it began stands
    in the environment variable :data:`gradgrid.core.trainings.BEGAN`; outside of one nothing does.
    """
    began = int(os.environ[BEGAN]) if BEGAN in os.environ else None
    try:
        data = json.loads(Path(dataset).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GradgridError(f"{dataset}: cannot be read ({error}); run the data step again") from error
    made = {"dataset": data, "config": settings(config), "training": training(bundles, began), "jobs": jobs}
    record = environment(folder) | {"began": None if began is None else _written(began)} | made
    with replacing(Path(out)) as part:
        text = json.dumps(_shortened(record), indent=2, ensure_ascii=False)
        part.write_text(text + "\n", encoding="utf-8", newline="\n")


def settings(config: "Config") -> dict[str, Any]:
    """The configuration as JSON, with the levels of the factors as the tables name them."""
    factors = {name: [_label(name, level) for level in levels] for name, levels in config.factors}
    return config.model_dump(mode="json", exclude={"factors"}) | {"factors": factors}


def _label(factor: str, level: Entry | float | None) -> str | int | float:
    if factor in _LABELS:
        return _LABELS[factor](level)
    return level.label if isinstance(level, Entry) else level


_LABELS = {"clipping": clipping_label, "normalization": normalization_label, "residual": residual_label}


def _shortened(value: object) -> object:
    """The same structure with absolute paths shortened in every string, and tuples as lists."""
    if isinstance(value, str):
        return without_paths(value)
    if isinstance(value, Mapping):
        return {str(key): _shortened(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(item) for item in value]
    return value
