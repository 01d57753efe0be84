"""How long a run is and when it is measured; steps are optimizer updates, counted from 1."""

from typing import TYPE_CHECKING

from gradgrid.core.datasets import EMBEDDED, SIZES

if TYPE_CHECKING:
    from gradgrid.core.config import Training

_WITHIN_FIRST_EPOCH = (1, 10, 100, 1000)


def epochs(training: "Training", dataset: str) -> int:
    """Epochs of a run on ``dataset``: the embedded dataset has its own number."""
    return training.digits_epochs if dataset == EMBEDDED else training.epochs


def steps_per_epoch(training: "Training", dataset: str, images: int | None = None) -> int:
    """Minibatches in an epoch, the last of which may be smaller; ``images`` is the training set's size."""
    return -(-(images or SIZES[dataset].train) // training.minibatch)


def total_steps(training: "Training", dataset: str, images: int | None = None) -> int:
    """Updates in a whole run."""
    return epochs(training, dataset) * steps_per_epoch(training, dataset, images)


def measured_steps(training: "Training", dataset: str, images: int | None = None) -> tuple[int, ...]:
    """Steps after which the gradients are measured, ascending; 0, initialization, is always among them.

    ``auto``: 1, 10, 100 and 1,000 where they fall within the first epoch, and the end of every epoch.
    Of a list, the steps that the run on ``dataset`` has (on the fallback dataset it may be shorter).
    """
    last = total_steps(training, dataset, images)
    if training.measure_steps != "auto":
        return tuple(sorted({0, *(step for step in training.measure_steps if step <= last)}))
    epoch = steps_per_epoch(training, dataset, images)
    early = (step for step in _WITHIN_FIRST_EPOCH if step < epoch)
    return tuple(sorted({0, *early, *range(epoch, last + 1, epoch)}))
