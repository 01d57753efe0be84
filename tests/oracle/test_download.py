"""The real download path, torchvision's own checksums included, against a mirror on this machine."""

import logging
import shutil
import socket
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torchvision

from gradgrid.core.config import Dataset
from gradgrid.core.errors import GradgridError
from gradgrid.data import download as downloading
from gradgrid.data import load, prepare
from gradgrid.data.originals import ORIGINALS

FILES = [original.compressed_name for original in ORIGINALS["mnist"]]


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder and counts what it was asked for."""

    def do_GET(self):
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, *arguments):
        """A test prints nothing."""


@pytest.fixture(autouse=True)
def _this_machine_only(monkeypatch):
    monkeypatch.delenv("MNIST_DIR", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def serve():
    """Start a mirror of a folder; returns its address and the list of what was asked for."""
    servers = []

    def start(folder, handler=Handler):
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=folder))
        server.asked = []
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/", server.asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def use_mirrors(monkeypatch):
    def use(*mirrors):
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", list(mirrors))

    return use


@pytest.fixture
def closed_mirror():
    """An address at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}/"


@pytest.fixture
def run(tmp_path):
    out = tmp_path / "data"

    def call(fallback="digits"):
        wanted = Dataset(name="mnist", root=None, fallback=fallback)
        return prepare(wanted, out / "dataset.npz", out / "dataset.json", out / "raw")

    return call


@pytest.mark.parametrize("dataset", ORIGINALS)
def test_the_checksums_are_torchvisions(dataset):
    published = getattr(torchvision.datasets, downloading._TORCHVISION_CLASSES[dataset]).resources
    assert [(original.compressed_name, original.md5) for original in ORIGINALS[dataset]] == published


def test_mnist_is_downloaded_once_and_equals_what_torchvision_reads(
    mnist_dir, serve, use_mirrors, run, tmp_path
):
    mirror, asked = serve(mnist_dir)
    use_mirrors(mirror)
    provenance = run()
    assert (provenance.dataset, provenance.fallback) == ("mnist", False)
    assert set(asked) == {f"/{name}" for name in FILES}
    asked.clear()
    assert run() == provenance
    assert asked == []

    theirs = torchvision.datasets.MNIST(tmp_path / "theirs", train=True, download=True)
    ours = load(tmp_path / "data" / "dataset.npz")
    pixels = theirs.data.reshape(-1, 784)[:50_000] / 255
    np.testing.assert_array_equal(ours.train_images, pixels.numpy())
    np.testing.assert_array_equal(ours.validation_labels, theirs.targets.numpy()[50_000:])


def test_an_interrupted_download_is_mended(mnist_dir, serve, use_mirrors, run, tmp_path):
    mirror, _ = serve(mnist_dir)
    use_mirrors(mirror)
    cache = tmp_path / "data" / "raw" / "mnist"
    cache.mkdir(parents=True)
    (cache / FILES[0]).write_bytes((mnist_dir / FILES[0]).read_bytes()[:1000])
    assert run().dataset == "mnist"


def test_the_next_mirror_is_tried(mnist_dir, serve, use_mirrors, run, tmp_path, closed_mirror):
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for name in FILES:
        shutil.copyfile(mnist_dir / name, damaged / name)
    (damaged / FILES[1]).write_bytes(b"<html>Moved</html>")
    use_mirrors(closed_mirror, serve(tmp_path / "nothing")[0], serve(damaged)[0], serve(mnist_dir)[0])
    provenance = run()
    assert (provenance.dataset, provenance.fallback) == ("mnist", False)


def assert_falls_back(run, reason, caplog):
    with caplog.at_level(logging.WARNING, "gradgrid"):
        provenance = run()
    assert (provenance.requested, provenance.dataset, provenance.fallback) == ("mnist", "digits", True)
    assert reason in provenance.message
    assert provenance.message in caplog.text
    with pytest.raises(GradgridError, match="MNIST could not be downloaded"):
        run(fallback=None)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_refusal_leads_to_the_fallback(serve, use_mirrors, run, tmp_path, caplog, status):
    class Refusing(Handler):
        def do_GET(self):
            self.send_error(status)

    use_mirrors(serve(tmp_path, Refusing)[0])
    assert_falls_back(run, f"HTTP Error {status}", caplog)


def test_a_wrong_checksum_everywhere_leads_to_the_fallback(
    mnist_dir, serve, use_mirrors, run, tmp_path, caplog
):
    content = bytearray((mnist_dir / FILES[0]).read_bytes())
    content[5_000_000] ^= 1
    (tmp_path / FILES[0]).write_bytes(content)
    use_mirrors(serve(tmp_path)[0])
    assert_falls_back(run, "corrupted", caplog)
    assert list((tmp_path / "data" / "raw" / "mnist").iterdir()) == []


def test_no_network_leads_to_the_fallback(use_mirrors, run, caplog, closed_mirror):
    use_mirrors(closed_mirror)
    assert_falls_back(run, "refused", caplog)


def test_an_unknown_host_leads_to_the_fallback(use_mirrors, run, caplog, monkeypatch):
    def unknown(*arguments, **keywords):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    use_mirrors("http://127.0.0.1/")
    assert_falls_back(run, "Name or service not known", caplog)


def test_a_silent_mirror_is_given_up(serve, use_mirrors, run, tmp_path, caplog, monkeypatch):
    released = threading.Event()

    class Silent(Handler):
        def do_GET(self):
            released.wait(10)

    monkeypatch.setattr(downloading, "TIMEOUT_SECONDS", 0.2)
    use_mirrors(serve(tmp_path, Silent)[0])
    try:
        assert_falls_back(run, "timed out", caplog)
    finally:
        released.set()
    assert socket.getdefaulttimeout() is None


def test_a_connection_that_breaks_leads_to_the_fallback(serve, use_mirrors, run, tmp_path, caplog):
    class Breaking(Handler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "9912422")
            self.end_headers()
            self.wfile.write(b"beginning")

    use_mirrors(serve(tmp_path, Breaking)[0])
    assert_falls_back(run, FILES[0], caplog)


def test_a_cache_that_cannot_be_written_is_an_error_and_no_reason_for_a_fallback(use_mirrors, run, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "raw").touch()
    use_mirrors("http://127.0.0.1/")
    with pytest.raises(GradgridError, match=r"raw/mnist: cannot be written"):
        run()
