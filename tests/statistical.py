"""For the tests of the statistics: the runs of a small grid, with believable scores or others."""

import synthetic

from gradgrid.analysis.scores import scored

GRID = {
    "depths": (1, 4),
    "activations": ("tanh", "relu"),
    "initializers": ("lecun_normal", "kaiming_normal", "orthogonal"),
    "clippings": ("none", "norm=1"),
    "seeds": 5,
}


def runs(score=None, **levels):
    """Runs of a small grid as ``scored`` gives them, with other scores if given: a function of the runs' frame."""
    frame = synthetic.tables(**{**GRID, **levels})["runs"]
    frame = frame.astype(dict.fromkeys(frame.select_dtypes("category"), object))
    if score is not None:
        frame = frame.assign(test_accuracy=score(frame), status="completed")
    return scored(frame)


def one(frame, **wanted):
    """The one row with these values."""
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1
    return frame.iloc[0]
