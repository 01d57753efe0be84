"""Where the data is looked for, in which order, and what is said when it is not as it should be."""

import gzip
import json
import logging
import subprocess
import sys
import time

import numpy as np
import pytest

from gradgrid.core.config import Dataset
from gradgrid.core.datasets import SIZES
from gradgrid.core.errors import GradgridError
from gradgrid.data import DatasetProvenance, load, prepare
from gradgrid.data.arrays import ARRAYS, digest, save
from gradgrid.data.download import DownloadError
from gradgrid.data.originals import NAMES_AND_SHAPES

FILES = [f"{name}.gz" for name, _ in NAMES_AND_SHAPES]


def dataset(name="mnist", root=None, fallback="digits"):
    return Dataset(name=name, root=root and str(root), fallback=fallback)


@pytest.fixture(autouse=True)
def _no_mnist_dir(monkeypatch):
    monkeypatch.delenv("MNIST_DIR", raising=False)


@pytest.fixture
def no_network(monkeypatch):
    def refuse(name, folder):
        raise DownloadError({"a mirror": "connection refused"})

    monkeypatch.setattr("gradgrid.data.preparation.download", refuse)


@pytest.fixture
def run(tmp_path):
    """Prepare into a fresh folder."""

    def call(wanted):
        out = tmp_path / "data"
        return prepare(wanted, out / "dataset.npz", out / "dataset.json", out / "raw")

    return call


@pytest.fixture
def copy(mnist_dir, tmp_path):
    """A folder with links to the original files, for a test to damage."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in FILES:
        (folder / name).symlink_to(mnist_dir / name)
    return folder


def replace(path, content):
    path.unlink()
    path.write_bytes(content)


def test_mnist_from_the_root_of_the_config(mnist_dir, run, tmp_path):
    provenance = run(dataset(root=mnist_dir))
    assert (provenance.requested, provenance.dataset, provenance.fallback) == ("mnist", "mnist", False)
    assert (provenance.message, provenance.source) == ("", "dataset.root")
    assert [file.name for file in provenance.files] == FILES
    assert provenance.files[0].md5 == "f68b3c2dcbeaaa9fbdd348bbdeb94873"
    assert provenance.sizes == SIZES["mnist"]
    assert (provenance.mean, provenance.std) == pytest.approx((0.13096, 0.30850), abs=1e-5)
    assert provenance == DatasetProvenance.read(tmp_path / "data" / "dataset.json")
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["dataset.json", "dataset.npz"]


def test_mnist_is_split_as_in_the_book(mnist_dir, run, tmp_path):
    run(dataset(root=mnist_dir))
    data = load(tmp_path / "data" / "dataset.npz")
    labels = gzip.decompress((mnist_dir / FILES[1]).read_bytes())[8:]
    images = gzip.decompress((mnist_dir / FILES[0]).read_bytes())[16:]
    assert data.train_labels.tolist() == list(labels[:50_000])
    assert data.validation_labels.tolist() == list(labels[50_000:])
    assert (data.validation_images[0] * 255).tolist() == list(images[50_000 * 784 : 50_001 * 784])
    assert data.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert data.train_images.shape == (50_000, 784)
    assert (data.train_images.dtype, data.train_labels.dtype) == (np.float32, np.int64)
    assert (data.train_images.min(), data.train_images.max()) == (0, 1)


def test_mnist_dir_serves_mnist(mnist_dir, run, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(mnist_dir))
    assert run(dataset()).source == "MNIST_DIR"


def test_the_root_of_the_config_comes_before_mnist_dir(tmp_path, run, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    with pytest.raises(GradgridError, match=r"elsewhere \(dataset.root\): there is no such folder"):
        run(dataset(root=tmp_path / "elsewhere"))


@pytest.mark.usefixtures("no_network")
def test_mnist_dir_does_not_serve_its_relatives(tmp_path, run, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    provenance = run(dataset(name="kmnist"))
    assert (provenance.requested, provenance.dataset) == ("kmnist", "digits")


def test_uncompressed_files(copy, run):
    for name in FILES[1:]:
        (copy / name.removesuffix(".gz")).write_bytes(gzip.decompress((copy / name).read_bytes()))
        (copy / name).unlink()
    provenance = run(dataset(root=copy))
    assert [file.checksum for file in provenance.files] == ["published", "content", "content", "content"]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named_and_nothing_is_written(copy, run, tmp_path, name):
    (copy / name).unlink()
    with pytest.raises(GradgridError, match=f"{name}: there is no such file"):
        run(dataset(root=copy))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_or_altered_file_is_named_and_leads_to_no_fallback(copy, run, name):
    content = (copy / name).read_bytes()
    replace(copy / name, content[:-1])
    with pytest.raises(GradgridError, match=f"{name}: altered or incomplete"):
        run(dataset(root=copy))
    replace(copy / name, content[:100] + bytes([content[100] ^ 1]) + content[101:])
    with pytest.raises(GradgridError, match=f"{name}: altered or incomplete"):
        run(dataset(root=copy))


def test_mnist_is_not_taken_for_fashion_mnist(mnist_dir, run):
    with pytest.raises(GradgridError, match=r"train-images-idx3-ubyte\.gz: altered"):
        run(dataset(name="fashion_mnist", root=mnist_dir))


def test_uncompressed_mnist_is_not_taken_for_fashion_mnist(copy, run):
    for name in FILES:
        (copy / name.removesuffix(".gz")).write_bytes(gzip.decompress((copy / name).read_bytes()))
        (copy / name).unlink()
    with pytest.raises(GradgridError, match="train-labels-idx1-ubyte: altered, or another dataset's"):
        run(dataset(name="fashion_mnist", root=copy))


def test_an_empty_folder_and_a_file_in_the_place_of_the_folder(tmp_path, run):
    empty, file = tmp_path / "empty", tmp_path / "file"
    empty.mkdir()
    file.touch()
    with pytest.raises(GradgridError, match="the folder must hold the four original files"):
        run(dataset(root=empty))
    with pytest.raises(GradgridError, match=r"file \(dataset.root\): is not a folder"):
        run(dataset(root=file))


@pytest.mark.usefixtures("no_network")
def test_without_files_or_network_the_digits_are_used_and_it_is_said_loudly(run, caplog):
    with caplog.at_level(logging.WARNING):
        provenance = run(dataset())
    assert (provenance.requested, provenance.dataset, provenance.fallback) == ("mnist", "digits", True)
    assert provenance.sizes == SIZES["digits"]
    assert provenance.message.splitlines()[0] == (
        "MNIST could not be downloaded: this run uses the embedded digits of scikit-learn instead."
    )
    assert "a mirror: connection refused" in provenance.message
    assert "MNIST_DIR" in provenance.message
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert provenance.message in record.getMessage()


@pytest.mark.usefixtures("no_network")
def test_without_a_fallback_it_fails_and_says_what_to_do(run, tmp_path):
    with pytest.raises(GradgridError, match="MNIST could not be downloaded:\na mirror") as failure:
        run(dataset(fallback=None))
    assert "dataset.fallback: digits" in str(failure.value)
    assert not (tmp_path / "data" / "dataset.npz").exists()


def test_digits_that_were_asked_for_are_no_fallback(run, caplog):
    provenance = run(dataset(name="digits"))
    assert (provenance.fallback, provenance.message, caplog.records) == (False, "", [])
    assert provenance.source.startswith("scikit-learn ")


def test_the_json_says_all_of_it(run, tmp_path):
    run(dataset(name="digits"))
    content = json.loads((tmp_path / "data" / "dataset.json").read_text())
    assert content["sizes"] == {"train": 1297, "validation": 250, "test": 250}
    assert content["digest"] == load(tmp_path / "data" / "dataset.npz").digest


def small_arrays():
    return {key: np.arange(6 if "images" in key else 3, dtype=np.uint8) for key in ARRAYS}


def test_the_digest_sees_every_name_shape_and_byte():
    arrays = small_arrays()
    values = {digest("mnist", arrays), digest("kmnist", arrays)}
    values.add(digest("mnist", arrays | {"test_labels": np.array([0, 1, 3], np.uint8)}))
    values.add(digest("mnist", arrays | {"train_images": arrays["train_images"].reshape(2, 3)}))
    assert len(values) == 4


def test_writing_twice_gives_the_same_digest_and_leaves_no_partial_file(tmp_path):
    path = tmp_path / "dataset.npz"
    assert save(path, "mnist", small_arrays()) == save(path, "mnist", small_arrays())
    assert [file.name for file in tmp_path.iterdir()] == ["dataset.npz"]


@pytest.mark.parametrize("keep", [0, 100, -100])
def test_a_damaged_or_missing_npz_is_an_error_that_names_it(tmp_path, keep):
    path = tmp_path / "dataset.npz"
    save(path, "digits", small_arrays())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(GradgridError, match=r"dataset\.npz: cannot be read .* prepare the data again"):
        load(path)
    path.unlink()
    with pytest.raises(GradgridError, match=r"dataset\.npz: cannot be read"):
        load(path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"files": [], "sizes": {}}'])
def test_a_damaged_json_is_an_error_that_names_it(tmp_path, content):
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(GradgridError, match=r"dataset\.json: cannot be read"):
        DatasetProvenance.read(tmp_path / "dataset.json")


def test_loading_needs_numpy_alone():
    code = "import sys, gradgrid.data; print(*{'torch', 'sklearn', 'pandas', 'pyarrow'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []


@pytest.mark.slow
def test_loading_mnist_takes_less_than_a_second(mnist_dir, run, tmp_path):
    run(dataset(root=mnist_dir))
    start = time.perf_counter()
    load(tmp_path / "data" / "dataset.npz")
    assert time.perf_counter() - start < 1
