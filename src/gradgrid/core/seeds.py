"""Seeds: every random draw has a name, and its generator's seed is a digest of that name.

Nothing depends on a position in a list, so that adding a level to a factor changes no existing run; nothing but
the names given here enters, so that runs of one seed share their data order and underlying draws.
"""

from hashlib import blake2b


def derive(*names: str | int) -> int:
    """A seed in [0, 2³²) from names, such as ``derive("weights", seed, layer)``."""
    text = "/".join(str(name) for name in names)
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big")
