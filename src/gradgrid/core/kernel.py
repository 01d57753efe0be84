"""The source of the compiled kernel of training, as one short text.

Standard library alone: setup.py asks when nothing else is installed yet.
"""

import re
from hashlib import blake2b
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "train" / "kernel"
"""The folder of the kernel's C++ source."""


def kernel_digest(folder: Path = SOURCE) -> str:
    """Sixteen hexadecimal digits over the source files, without their // comments, the only ones they have."""
    texts = (
        f"{path.name}:{_without_comments(path.read_text(encoding='utf-8'))}"
        for path in sorted(folder.iterdir())
    )
    return blake2b("\n".join(texts).encode(), digest_size=8).hexdigest()


def _without_comments(text: str) -> str:
    return " ".join(re.sub(r"//.*", "", text).split())
