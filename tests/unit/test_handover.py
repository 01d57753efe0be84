"""What the planning process tells its jobs elsewhere comes back as it was."""

import pytest

from gradgrid.core.handover import Handover
from gradgrid.core.prepared import Prepared


@pytest.mark.parametrize("known", [None, ("digits", "0123456789abcdef")], ids=["to come", "there"])
def test_what_is_written_is_read(tmp_path, known):
    generations = {"depth=1/seed=0": 0, "depth=1/seed=1": 1795282702000000001}
    told = Handover(Prepared(3, known), generations, ("all",), "0123456789abcdef")
    told.write(tmp_path / "handover.json")
    assert Handover.read(tmp_path / "handover.json") == told
