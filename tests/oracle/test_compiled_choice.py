"""Which runs the compiled kernel trains, and which are left to PyTorch."""

import kernel_runs
import pytest
import training
from kernel_runs import DECAY, EXACT, IMAGES, tables_of

from gradgrid.core.entries import Entry
from gradgrid.core.errors import GradgridError
from gradgrid.core.fingerprints import TrainingSource
from gradgrid.core.kernel import ACTIVATIONS, KNOWN
from gradgrid.core.plan import Run
from gradgrid.core.registry import entries
from gradgrid.train import compiled, native
from gradgrid.train.compiled import why_not
from gradgrid.train.native import find_kernel

pytestmark = kernel_runs.built


def test_what_the_kernel_knows_is_what_the_registries_say_now():
    """After an edit of an entry, bring the kernel to it, then this digest to the edit."""
    source = TrainingSource()
    for activation in ACTIVATIONS:
        for optimizer, loss in zip(entries("optimizers"), (*entries("losses"), "quadratic"), strict=True):
            cell = training.cell(activation=Entry(activation), optimizer=Entry(optimizer))
            for name, digest in source.entries(cell, loss).items():
                if not name.startswith("initializers."):
                    assert KNOWN[name] == digest, name


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"activation": Entry("softplus")}, "does not know activations.softplus"),
        ({"normalization": Entry("layer")}, "no normalization"),
        ({"residual": True}, "no normalization and no residual"),
        ({"learning_rate": 2.0}, "weight decay as strong"),
    ],
)
def test_what_the_kernel_does_not_know_is_left_to_pytorch(changes, reason, caplog):
    caplog.set_level("INFO")
    runs = [Run(training.cell(**changes), 0)]
    found, expected = tables_of(runs), tables_of(runs, kernel=False)
    assert reason in caplog.text
    assert all(found[name].equals(expected[name]) for name in found)


def test_an_edited_entry_double_precision_and_a_missing_file_are_left_to_pytorch(monkeypatch):
    runs = [Run(training.cell(), 0)]
    like = IMAGES.training.targets
    assert why_not(runs, "cross_entropy", DECAY, like) is None
    assert "float64" in why_not(runs, "cross_entropy", DECAY, EXACT.training.targets)
    monkeypatch.setitem(KNOWN, "activations.sigmoid", "what it was before")
    assert "activations.sigmoid as it is written now" in why_not(runs, "cross_entropy", DECAY, like)
    monkeypatch.setattr(compiled, "find_kernel", lambda: None)
    assert "was not built" in why_not(runs, "cross_entropy", DECAY, like)


def test_a_kernel_of_other_source_is_refused(monkeypatch):
    monkeypatch.setattr(native, "kernel_digest", lambda: "edited")
    with pytest.raises(GradgridError, match="pip install -e"):
        find_kernel.__wrapped__()
