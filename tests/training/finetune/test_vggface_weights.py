"""Downloading the VGGFace weights, from servers that behave and servers that don't."""

import http.server
import threading
import time

import pytest

from fer_nb.errors import ModelError
from fer_nb.training.finetune.vggface_weights import FILES, fetch_vggface

CONTENT = b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 2000


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT; `breaks` connections end early, `answers` is what was asked for."""

    def __init__(self, content=CONTENT, breaks=0, slow_s=0.0, code=200):
        self.content, self.breaks, self.slow_s = content, breaks, slow_s
        self.code, self.asked = code, []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.asked.append(self.path)
        if server.code != 200:
            return self.send_error(server.code)
        body = server.content
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if server.breaks:
            server.breaks -= 1
            body = body[:100_000]
        for block in range(0, len(body), 50_000):
            time.sleep(server.slow_s)
            try:
                self.wfile.write(body[block : block + 50_000])
            except OSError:
                return None
        self.close_connection = True
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(**options):
        servers.append(Server(**options))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def fetch(server, folder, **options):
    return fetch_vggface("resnet50", folder, server.url, progress=False, **options)


def test_downloads_once_and_records_the_hash(serve, tmp_path):
    server = serve(slow_s=0.02)
    path = fetch(server, tmp_path / "new")
    assert path.read_bytes() == CONTENT
    assert path.name == FILES["resnet50"]
    assert len(path.with_name(path.name + ".sha256").read_text().split()[0]) == 64
    assert fetch(server, tmp_path / "new") == path
    assert len(server.asked) == 1
    assert [file.suffix for file in sorted(path.parent.iterdir())] == [".h5", ".sha256"]


def test_a_download_that_breaks_off_is_begun_again(serve, tmp_path, monkeypatch):
    monkeypatch.setattr("pooch.core.time.sleep", lambda _: None)  # between the tries
    server = serve(breaks=2)
    assert fetch(server, tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == 3


def test_server_that_falls_silent(serve, tmp_path):
    server = serve(slow_s=0.6)
    with pytest.raises(ModelError, match="timed out"):
        fetch(server, tmp_path, timeout_s=0.2, tries=1)


def test_wrong_content_is_refused_and_not_kept(serve, tmp_path):
    server = serve(content=b"<html>please log in</html>" * 100)
    with pytest.raises(ModelError, match=r"not a weights file.*save it as .*notop_resnet50\.h5"):
        fetch(server, tmp_path, tries=1)
    assert list(tmp_path.iterdir()) == []


def test_changed_file_is_refused(serve, tmp_path):
    path = fetch(serve(), tmp_path)
    path.write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(ModelError, match="has changed since it was first used"):
        fetch(serve(), tmp_path)


def test_file_put_there_by_hand_is_used_without_a_connection(tmp_path):
    (tmp_path / FILES["vgg16"]).write_bytes(CONTENT)
    path = fetch_vggface("vgg16", tmp_path, "http://127.0.0.1:9", progress=False)
    assert path.with_name(path.name + ".sha256").is_file()


def test_offline_error_names_url_file_and_folder(tmp_path):
    with pytest.raises(ModelError) as caught:
        fetch_vggface("resnet50", tmp_path, "http://127.0.0.1:9", tries=1, progress=False)
    message = str(caught.value)
    assert f"http://127.0.0.1:9/{FILES['resnet50']}" in message
    assert f"save it as {FILES['resnet50']} in the folder {tmp_path}" in message


def test_missing_on_the_server_is_told(serve, tmp_path):
    server = serve(code=404)
    with pytest.raises(ModelError, match="404"):
        fetch(server, tmp_path, tries=1)
