"""A folder with the workflow in it, and Snakemake run there for real."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).parents[2]
PARTS = ("Snakefile", "workflow", "profiles", "config.yaml", "environment.yml")
NOT_OURS = ("MNIST_DIR", "SNAKEMAKE_PROFILE", "SOURCE_DATE_EPOCH", "no_proxy", "NO_PROXY")
"""Variables of the environment that would change what a test sees."""
QUICK = Path(__file__).with_name("quick")
"""On the path of every process that a test starts; see the file in it."""

JOB_STATISTICS = re.compile(r"^Job stats:\njob +count\n[- ]+\n((?:\w+ +\d+\n)+)", re.MULTILINE)
PROFILE_FOUND = (
    "Using workflow specific profile profiles/default for setting default command line arguments.\n"
)
MOST_SECONDS = 600


def _listen_to_interrupts() -> None:
    """What is started in the background by a shell ignores SIGINT, and would hand that down."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Ended:
    """What a run of Snakemake left: its exit status and everything that was said, its jobs' errors included."""

    status: int
    output: str

    @property
    def jobs(self) -> dict[str, int]:
        """Number of jobs of each rule that Snakemake was to run."""
        found = JOB_STATISTICS.search(self.output)
        counts = dict(line.split() for line in found[1].splitlines()) if found else {}
        return {rule: int(count) for rule, count in counts.items() if rule != "total"}


class Running:
    """A started Snakemake, alone in its process group with its jobs."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str], said: Path) -> None:
        self._said = said
        with said.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_listen_to_interrupts,
            )
        self.pid = self._process.pid

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Look every few milliseconds; the test fails if Snakemake ends first, or if it takes too long."""
        latest = time.monotonic() + MOST_SECONDS
        while not condition():
            assert self._process.poll() is None, self.end().output
            assert time.monotonic() < latest
            time.sleep(0.005)

    def interrupt(self) -> None:
        """What Ctrl-C does on a terminal: SIGINT to Snakemake and its jobs."""
        os.killpg(self.pid, signal.SIGINT)

    def kill_job(self, rule: str) -> None:
        """End the first job of a rule without a chance to say anything, as a system short of memory does."""
        self.wait_until(lambda: self._processes(rule))
        for process in self._processes(rule):
            process.kill()

    def _processes(self, rule: str) -> list[psutil.Process]:
        """The Python processes, not the shells around them: a shell's end would not end its job."""
        children = psutil.Process(self.pid).children(recursive=True)
        return [child for child in children if _is_python_running(f".{rule}.py", child)]

    def end(self) -> Ended:
        """Wait for the end."""
        status = self._process.wait(MOST_SECONDS)
        said = self._said.read_text(encoding="utf-8", errors="replace")
        return Ended(status, said.removeprefix(PROFILE_FOUND))

    def stop(self) -> None:
        """End Snakemake and its jobs at once, if any of them still runs."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()


def _is_python_running(script: str, process: psutil.Process) -> bool:
    try:
        command = process.cmdline()
    except psutil.NoSuchProcess:  # it has ended since it was listed
        return False
    return bool(command) and command[0] == sys.executable and command[-1].endswith(script)


@dataclass(frozen=True)
class Workspace:
    """A folder that holds the workflow as a clone of the repository does.

    ``settings`` stand in a file of their own, laid over config.yaml by every command; so its grid can be small.
    """

    folder: Path
    environment: dict[str, str]
    settings: str = ""

    @classmethod
    def new(cls, folder: Path, environment: dict[str, str], settings: str = "") -> "Workspace":
        """A new folder with nothing but the workflow and its configuration."""
        folder.mkdir()
        for name in PARTS:
            copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copy2
            copy(REPOSITORY / name, folder / name)
        if settings:
            (folder / "settings.yaml").write_text(settings, encoding="utf-8")
        return cls.existing(folder, environment, settings)

    @classmethod
    def existing(cls, folder: Path, environment: dict[str, str], settings: str = "") -> "Workspace":
        """A folder that :meth:`new` made."""
        kept = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
        path = os.pathsep.join(filter(None, [str(QUICK), kept.get("PYTHONPATH")]))
        return cls(folder, kept | {"PYTHONPATH": path} | environment, settings)

    def copy(self, folder: Path) -> "Workspace":
        """The same in another folder, with everything that was made and when."""
        shutil.copytree(self.folder, folder)
        return Workspace(folder, self.environment, self.settings)

    @contextmanager
    def started(self, *arguments: str, **environment: str) -> Iterator[Running]:
        """Snakemake started with these arguments; neither it nor its jobs outlive the block."""
        configuration = ["--configfile", "settings.yaml"] if self.settings else []
        cores = [] if {"--cores", "--workflow-profile"} & set(arguments) else ["--cores", "2"]
        said = self.folder.with_name(f"{self.folder.name}-{time.monotonic_ns()}.out")
        command = [*arguments, *cores, *configuration]
        running = Running(command, self.folder, self.environment | environment, said)
        try:
            yield running
        finally:
            running.stop()

    def snakemake(self, *arguments: str, **environment: str) -> Ended:
        """Run Snakemake to its end."""
        with self.started(*arguments, **environment) as running:
            return running.end()

    def made(self) -> list[str]:
        """The files that the workflow has made, those of Snakemake's own apart."""
        files = (path for top in ("results", "report") for path in (self.folder / top).rglob("*"))
        return sorted(str(path.relative_to(self.folder)) for path in files if path.is_file())


def copied_source(workspace: Workspace) -> Workspace:
    """A workspace with a copy of the package's source, in place of the one that is installed."""
    shutil.copytree(
        REPOSITORY / "src", workspace.folder / "src", ignore=shutil.ignore_patterns("__pycache__")
    )
    own = {"PYTHONPATH": str(workspace.folder / "src")}
    return replace(workspace, environment=workspace.environment | own)
