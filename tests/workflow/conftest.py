"""One finished run of a very small grid, without MNIST and without a network, that the tests share."""

import socket
from dataclasses import dataclass

import pytest
from faults import RUNS, Trained
from faults import SETTINGS as ONE_BUNDLE
from filelock import FileLock
from small import SETTINGS, WITH_ALL
from workspace import Ended, Workspace, copied_source

from gradgrid.core.config import Config, load
from gradgrid.core.plan import Plan, plan


@dataclass(frozen=True)
class Finished:
    """What ``snakemake --cores 2`` left; its folder is for reading only: ``copy`` it to change anything."""

    workspace: Workspace
    ended: Ended
    config: Config
    plan: Plan

    def copy(self, folder) -> Workspace:
        """The finished folder once more."""
        return self.workspace.copy(folder)


@pytest.fixture(scope="session")
def no_network():
    """An environment in which every download is refused at once, by a port at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{held.getsockname()[1]}"
        yield {"http_proxy": closed, "https_proxy": closed}


def base_of_all(tmp_path_factory, request):
    """The temporary folder that the workers share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if hasattr(request.config, "workerinput") else base


@pytest.fixture(scope="session")
def trained(no_network, tmp_path_factory, request):
    """One bundle, with the source of its own that trained it."""
    base = base_of_all(tmp_path_factory, request)
    with FileLock(base / "trained.lock"):
        folder, done = base / "trained", base / "trained.done"
        if not done.exists():
            ended = copied_source(Workspace.new(folder, no_network, ONE_BUNDLE)).snakemake(RUNS)
            assert ended.status == 0, ended.output
            done.touch()
    source = {"PYTHONPATH": str(folder / "src")}
    return Trained(Workspace.existing(folder, no_network | source, ONE_BUNDLE))


@pytest.fixture(scope="session")
def finished(no_network, tmp_path_factory, request):
    """A finished run that other tests may look at and copy; the first worker that asks makes it, for all."""
    base = base_of_all(tmp_path_factory, request)
    with FileLock(base / "finished.lock"):
        folder, said = base / "finished", base / "finished.out"
        if said.exists():
            workspace = Workspace.existing(folder, no_network, WITH_ALL)
        else:
            workspace = Workspace.new(folder, no_network, WITH_ALL)
            ended = workspace.snakemake()
            assert ended.status == 0, ended.output
            said.write_text(ended.output, encoding="utf-8")
    ended = Ended(0, said.read_text(encoding="utf-8"))
    config = load(workspace.folder / "config.yaml", workspace.folder / "settings.yaml")
    return Finished(workspace, ended, config, plan(config))


@pytest.fixture
def new(no_network, tmp_path):
    """A folder in which nothing has been run yet: with the small grid, or with ``settings`` of one's own."""

    def new(settings=SETTINGS):
        return Workspace.new(tmp_path / "grid", no_network, settings)

    return new
