"""A SLURM of one node for the tests, and one run of a small grid on it that they share."""

import pytest
from slurm import Slurm, why_not
from submitted import SETTINGS, Submitted
from workspace import Workspace


@pytest.fixture(scope="session")
def slurm(tmp_path_factory):
    """The cluster; the test is skipped where none can be had."""
    if reason := why_not():
        pytest.skip(reason)
    cluster = Slurm(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def submitted(slurm, tmp_path_factory):
    """The grid from nothing to the report; its folder is for reading only."""
    workspace = Workspace.new(tmp_path_factory.mktemp("cluster") / "grid", {}, SETTINGS)
    ended = Submitted(workspace).run()
    assert ended.status == 0, ended.output
    return Submitted(workspace, ended)
