"""The record of a data step, without its images."""

from gradgrid.core.datasets import Sizes
from gradgrid.core.prepared import RECORD, settings_digest
from gradgrid.data.provenance import DatasetProvenance


def prepare(folder, settings, digest="d", fallback=False, mirrors=()):
    """The record of a data step."""
    dataset = "digits" if fallback else settings.dataset.name
    DatasetProvenance(
        requested=settings.dataset.name,
        dataset=dataset,
        fallback=fallback,
        message="",
        source="",
        files=(),
        digest=digest,
        sizes=Sizes(1, 1, 1),
        mean=0.0,
        std=1.0,
        attempt=1,
        settings=settings_digest(settings.dataset),
        mirrors=tuple(mirrors),
    ).write(folder / RECORD)
