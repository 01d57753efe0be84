"""Shared by the tests against slow twins."""

import pytest

from gradgrid.train.native import find_kernel


@pytest.fixture(name="_instruction_set", params=find_kernel().usable if find_kernel() else [])
def instruction_set(request, monkeypatch):
    """Every instruction set of this processor in turn, for the compiled kernel."""
    monkeypatch.setattr(find_kernel(), "set", request.param)
