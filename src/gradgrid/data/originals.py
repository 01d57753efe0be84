"""The published files of MNIST and its relatives: names, shapes and checksums.

Source: LeCun, Cortes and Burges (MNIST); Xiao, Rasul and Vollgraf, arXiv:1708.07747 (Fashion-MNIST);
Clanuwat et al., arXiv:1812.01718 (KMNIST). The md5 sums are those of torchvision's ``resources``, which a
test compares; they stand here too, so that reading a folder of files needs neither torch nor torchvision.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Original:
    """One published IDX file: name without ``.gz``, shape, md5 compressed and, where known, decompressed."""

    name: str
    shape: tuple[int, ...]
    md5: str
    content_md5: str | None

    @property
    def compressed_name(self) -> str:
        """The name under which it is published."""
        return f"{self.name}.gz"


NAMES_AND_SHAPES = (
    ("train-images-idx3-ubyte", (60_000, 28, 28)),
    ("train-labels-idx1-ubyte", (60_000,)),
    ("t10k-images-idx3-ubyte", (10_000, 28, 28)),
    ("t10k-labels-idx1-ubyte", (10_000,)),
)

_MD5 = {
    "mnist": (
        ("f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
        ("d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
        ("9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
        ("ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
    ),
    "fashion_mnist": (
        ("8d4fb7e6c68d591d4c3dfef9ec88bf0d", None),
        ("25c81989df183df01b3e8a0aad5dffbe", None),
        ("bef4ecab320f06d8554ea6380940ec79", None),
        ("bb300cfdad3c16e7a12a480ee83cd310", None),
    ),
    "kmnist": (
        ("bdb82020997e1d708af4cf47b453dcf7", None),
        ("e144d726b3acfaa3e44228e80efcd344", None),
        ("5c965bf0a639b31b8f53240b1b52f4d7", None),
        ("7320c461ea6c1c855c0b718fb2a4b134", None),
    ),
}

ORIGINALS: dict[str, tuple[Original, ...]] = {
    dataset: tuple(
        Original(name, shape, md5, content_md5)
        for (name, shape), (md5, content_md5) in zip(NAMES_AND_SHAPES, sums, strict=True)
    )
    for dataset, sums in _MD5.items()
}
