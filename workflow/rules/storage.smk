# Results in a storage (--default-storage-provider) instead of this folder: what is read there before Snakemake fetches
# it, or what it never fetches. Without a storage the files are simply here. The reasons: docs/adr/0010-elsewhere.md.

SEEN = Path(".snakemake/seen")
"""What planning has seen of the bundles in a storage."""


def stored(path):
    """What stands for a file of ours in the storage; None where there is no storage."""
    file = workflow.inputfile(path)
    return file.storage_object if file.is_storage else None


STORAGE = bool(workflow.storage_settings.default_storage_provider)


def fetched(path, place=None):
    """Where a file of ours is: here, or, if the storage has it, in a copy made now."""
    there = stored(path)
    if not there:
        return path
    if place:
        there.set_local_path(place)
    copy = there.local_path()
    copy.unlink(missing_ok=True)
    if there.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        there.retrieve_object()
    return copy


def store(path):
    """Bring a file from here to the storage, if there is one."""
    if there := stored(path):
        there.set_local_path(path)
        there.store_object()


def seen(bundle):
    """The folder in which planning finds a bundle's state, and tables of the right size, which is all it asks of them."""
    if not STORAGE:
        return GRID
    fetched(state_file(bundle.key), SEEN / state_file(bundle.key))
    for path in table_files(bundle.key).values():
        there, place = stored(path), SEEN / path
        place.unlink(missing_ok=True)
        if there.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("wb") as empty:
                empty.truncate(there.size())
    return SEEN / GRID


def fetch(bundle):
    """Bring a bundle's files to where its job looks for them: Snakemake fetches inputs, but no outputs to be updated."""
    if STORAGE:
        for path in (state_file(bundle.key), *table_files(bundle.key).values()):
            fetched(path)
