"""One IDX file: what is accepted, and what is said of a file that is not."""

import gzip
import hashlib

import numpy as np
import pytest

from gradgrid.core.errors import GradgridError
from gradgrid.data.idx import read_idx
from gradgrid.data.originals import Original

IMAGES = np.arange(3 * 4 * 4, dtype=np.uint8).reshape(3, 4, 4)
LABELS = np.repeat(np.arange(10, dtype=np.uint8), 2)


def idx_bytes(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.tobytes()


def original_of(array, *, content_known=True):
    content = idx_bytes(array)
    packed = gzip.compress(content, mtime=0)
    content_md5 = hashlib.md5(content).hexdigest() if content_known else None
    return Original("some-ubyte", array.shape, hashlib.md5(packed).hexdigest(), content_md5)


def test_compressed(tmp_path):
    (tmp_path / "some-ubyte.gz").write_bytes(gzip.compress(idx_bytes(IMAGES), mtime=0))
    array, source = read_idx(tmp_path, original_of(IMAGES))
    np.testing.assert_array_equal(array, IMAGES)
    assert (source.name, source.checksum) == ("some-ubyte.gz", "published")
    assert source.md5 == original_of(IMAGES).md5


def test_uncompressed_with_a_known_checksum(tmp_path):
    (tmp_path / "some-ubyte").write_bytes(idx_bytes(IMAGES))
    array, source = read_idx(tmp_path, original_of(IMAGES))
    np.testing.assert_array_equal(array, IMAGES)
    assert (source.name, source.checksum) == ("some-ubyte", "content")


def test_uncompressed_with_an_unknown_checksum_says_so(tmp_path):
    (tmp_path / "some-ubyte").write_bytes(idx_bytes(LABELS))
    array, source = read_idx(tmp_path, original_of(LABELS, content_known=False))
    np.testing.assert_array_equal(array, LABELS)
    assert source.checksum == "unknown"


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_file_is_named(tmp_path, suffix, damage):
    content = idx_bytes(IMAGES)
    stored = gzip.compress(content, mtime=0) if suffix else content
    stored = stored[:-5] if damage == "truncated" else stored[:20] + bytes([stored[20] ^ 1]) + stored[21:]
    (tmp_path / f"some-ubyte{suffix}").write_bytes(stored)
    with pytest.raises(GradgridError, match=f"some-ubyte{suffix}: altered or incomplete: .* replace it"):
        read_idx(tmp_path, original_of(IMAGES))


def test_a_damaged_compressed_file_is_not_passed_over_for_a_good_uncompressed_one(tmp_path):
    (tmp_path / "some-ubyte.gz").write_bytes(b"damaged")
    (tmp_path / "some-ubyte").write_bytes(idx_bytes(IMAGES))
    with pytest.raises(GradgridError, match=r"some-ubyte\.gz: altered or incomplete"):
        read_idx(tmp_path, original_of(IMAGES))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(
        GradgridError, match=r"some-ubyte\.gz: there is no such file, compressed or not; .* must"
    ):
        read_idx(tmp_path, original_of(IMAGES))


def test_a_folder_in_the_place_of_a_file(tmp_path):
    (tmp_path / "some-ubyte.gz").mkdir()
    with pytest.raises(GradgridError, match=r"some-ubyte\.gz: cannot be read: "):
        read_idx(tmp_path, original_of(IMAGES))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx_bytes(LABELS)[:-1], "altered or incomplete: 27 bytes instead of 28"),
        (idx_bytes(LABELS) + b"\0", "altered or incomplete: 29 bytes instead of 28"),
        (idx_bytes(IMAGES), "is not the IDX file of 20 bytes"),
        (b"", "is not the IDX file of 20 bytes"),
        (idx_bytes(LABELS[::-1] // 2 * 2), "its labels are not 10 classes of equal size"),
        (idx_bytes(LABELS + 1), "its labels are not 10 classes of equal size"),
    ],
)
def test_without_a_known_checksum_the_content_is_examined(tmp_path, content, message):
    (tmp_path / "some-ubyte").write_bytes(content)
    with pytest.raises(GradgridError, match=f"some-ubyte: .*{message}.*; replace it by the original file"):
        read_idx(tmp_path, original_of(LABELS, content_known=False))
