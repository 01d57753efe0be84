"""How fast this machine is, by the compiled kernel."""

import numpy as np
import pytest

from gradgrid.train import pace
from gradgrid.train.native import find_kernel

built = pytest.mark.skipif(find_kernel() is None, reason="the compiled kernel was not built here")


@built
def test_the_pace_is_in_units_of_the_model(monkeypatch):
    found = pace.measure_pace()
    monkeypatch.setattr(pace, "kernel_microseconds", lambda *shape: 1e6)
    assert 0 < pace.measure_pace() < 0.01 * found


@built
def test_what_is_timed_are_steps_that_a_training_takes():
    runs = pace._Runs(find_kernel())
    before = runs._parameters.copy()
    runs.train()
    assert all(state.taken == pace.STEPS and state.diverged < 0 for state in runs._states)
    assert np.isfinite(runs._parameters).all()
    assert (runs._parameters != before).any(1).all()


def test_without_the_kernel_nothing_is_measured(monkeypatch):
    monkeypatch.setattr(pace, "find_kernel", lambda: None)
    assert pace.measure_pace() == 1.0
