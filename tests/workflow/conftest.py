"""One finished run of a very small grid, without MNIST and without a network, that the tests share."""

import socket
from dataclasses import dataclass

import pytest
from faults import RUNS, Trained
from faults import SETTINGS as ONE_BUNDLE
from filelock import FileLock
from workspace import Ended, Workspace, copied_source

from gradgrid.core.config import Config, load
from gradgrid.core.plan import Plan, plan

SETTINGS = """\
device: cpu
seeds: 2
factors:
  depth: [1, 2]
  activation: {leaky_relu: {negative_slope: 0.1}}
  initializer: [lecun_normal, normal]
  clipping: [null, {norm: 1.0}]
  learning_rate: [0.1, 1000.0]
training: {digits_epochs: 2, weight_decay: 1.0}
book: null
laboratory: null
"""
"""32 runs in 4 bundles; with the larger learning rate some of them diverge. config.yaml asks for MNIST."""

WITH_ALL = SETTINGS.replace(
    "book: null\nlaboratory: null",
    """\
book:
  accuracy: {depth: [1, 2], seeds: 2, epochs: 1}
  initialization: {width: [5], seeds: 2, epochs: 1}
  initial_speed: {depth: [2, 3], steepness: [1, 4], seeds: 2}
  training_speed: {depth: [2], activation: [sigmoid, tanh], seeds: 2, steps: 3}
  identities: {chains: 20, seeds: 1}
laboratory:
  linear: {scale: [0.9, 1.1], depth: 4, width: 20, seeds: 2}
  propagation: {width: [40, 30], depth: 8, activation: [tanh, relu], initializer: [normal, lecun_normal], seeds: 2}
  phase: {sigma_w2: [1, 3], depth: [3, 5], width: 8, steps: 3, seeds: 2}
  remedies: {depth: [2, 3], width: 6, steps: 3, learning_rate: 0.1, adam_learning_rate: 0.01, seeds: 2}
  recurrent: {hidden: 6, spectral_radius: [0.9, 1.5], steps: 10, pixel_steps: 10, seeds: 2}
""",
)
"""The same with a small chapter of the book and a small laboratory."""


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
