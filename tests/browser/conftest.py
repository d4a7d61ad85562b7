"""One JupyterLab server and one Chromium with a fake camera for all browser tests."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

pytest.importorskip("playwright", reason="playwright is not installed (the [dev] extra brings it)")
pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")

from lab_harness import LabPage, LabServer, chromium, chromium_path, face_clip


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    if chromium_path() is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    lab = LabServer(tmp_path_factory.mktemp("lab")).start()
    yield lab
    lab.stop()


@pytest.fixture(scope="session")
def browsers(server, tmp_path_factory):
    """A function from Chromium's extra arguments to a browser; each is started once."""
    clip = face_clip(tmp_path_factory.mktemp("clip") / "face.mjpeg")
    with ExitStack() as stack:
        started = {}

        def start(*extra: str, camera: bool = True):
            key = (*extra, camera)
            if key not in started:
                started[key] = stack.enter_context(chromium(clip if camera else None, extra))
            return started[key]

        yield start


@pytest.fixture
def lab(server, browsers, request):
    """A function that opens a notebook of given cells in JupyterLab; the camera is allowed.

    Pages are closed and their kernels shut down at the end, and an uncaught error in the page fails
    the test.
    """
    opened = []

    def open_notebook(
        *cells: str,
        browser=None,
        host: str = "127.0.0.1",
        name: str | None = None,
        script: str | None = None,
    ):
        browser = browser or browsers("--use-fake-ui-for-media-stream")
        context = browser.new_context(viewport={"width": 1280, "height": 1000})
        page = LabPage(context.new_page(), server)
        if script:
            page.page.add_init_script(script)
        opened.append(page)
        if name is None:
            name = server.notebook(f"{request.node.name}.ipynb", cells)
        return page.open(name, host)

    yield open_notebook
    errors = [error for page in opened for error in page.errors]
    for page in opened:
        page.shut_down()
    assert not errors
