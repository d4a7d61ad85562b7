"""A real JupyterLab server on loopback, a real Chromium with a fake camera, and a hand on both."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import nbformat
import numpy as np

# A name that Chromium is told to take for this computer, but that is no "localhost" to it: pages
# from there are insecure, as if they came from another machine.
INSECURE_HOST = "elsewhere.test"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_ARGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1",
)
PATIENCE_MS = 90_000  # for what takes a second on a quiet machine


def chromium_path() -> str | None:
    """Return the path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def face_clip(
    path: Path,
    name: str = "astronaut",
    seconds: float = 2.0,
    fps: int = 30,
    size: tuple[int, int] = (640, 480),
) -> Path:
    """Write a Motion-JPEG clip of a sample photo that sways a little; it loops smoothly."""
    from fer_nb.widgets.samples import sample

    photo = cv2.cvtColor(sample(name), cv2.COLOR_RGB2BGR)
    if name == "astronaut":
        photo = photo[:300, 60:460]  # head and shoulders, as before a webcam
    width, height = size
    scale = max(width / photo.shape[1], height / photo.shape[0])
    frames = round(seconds * fps)
    with open(path, "wb") as file:
        for i in range(frames):
            phase = 2 * np.pi * i / frames
            zoom = scale * (1.04 + 0.03 * np.sin(phase))
            centre = width / 2 + 14 * np.sin(phase), height / 2 + 8 * np.cos(phase)
            shift = [
                c - zoom * side / 2 for c, side in zip(centre, photo.shape[1::-1], strict=True)
            ]
            move = np.float32([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
            view = cv2.warpAffine(photo, move, size, borderMode=cv2.BORDER_REPLICATE)
            file.write(cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    return path


class LabServer:
    """JupyterLab in a folder of its own, with settings, kernels and history kept apart."""

    def __init__(self, folder: Path, theme: str = "JupyterLab Light", env: dict | None = None):
        self.folder = Path(folder)
        self.work = self.folder / "work"
        self.work.mkdir(parents=True, exist_ok=True)
        self.token = secrets.token_hex(16)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = self.folder / "settings"
        self.set_theme(theme)
        self._env = env or {}
        self._process: subprocess.Popen | None = None
        self.log = self.folder / "server.log"

    def set_theme(self, theme: str) -> None:
        """Choose the JupyterLab theme for pages opened from now on."""
        at = self._settings / "@jupyterlab" / "apputils-extension"
        at.mkdir(parents=True, exist_ok=True)
        (at / "themes.jupyterlab-settings").write_text(json.dumps({"theme": theme}))
        (at / "notification.jupyterlab-settings").write_text(
            json.dumps({"fetchNews": "false", "checkForUpdates": False})
        )

    def start(self) -> LabServer:
        """Start the server and wait until it answers."""
        env = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(self._settings),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.folder / "workspaces"),
            "IPYTHONDIR": str(self.folder / "ipython"),
            **self._env,
        }
        with open(self.log, "wb") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
                    "--ip=127.0.0.1",
                    f"--port={self.port}",
                    "--ServerApp.port_retries=0",
                    f"--ServerApp.root_dir={self.work}",
                    f"--ServerApp.local_hostnames={INSECURE_HOST}",
                    f"--IdentityProvider.token={self.token}",
                    "--LabApp.expose_app_in_browser=True",
                    "--LabApp.extension_manager=readonly",
                    "--ServerApp.terminals_enabled=False",
                ],
                env=env,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/api/status?token={self.token}", timeout=5):
                    return self
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    text = self.log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"JupyterLab did not start: {text}") from error
                time.sleep(0.2)

    def stop(self) -> None:
        """Stop the server and the kernels it started."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def use_subshells(self, on: bool) -> None:
        """Whether JupyterLab hands widget messages to a thread of their own in the kernel."""
        at = self._settings / "@jupyterlab" / "apputils-extension"
        mode = "perCommTarget" if on else "disabled"
        (at / "kernels-settings.jupyterlab-settings").write_text(
            json.dumps({"commsOverSubshells": mode})
        )

    def notebook(self, name: str, cells: Sequence[str]) -> str:
        """Write a notebook of code cells and return its name."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(book, self.work / name)
        return name


@contextmanager
def playwright_started():
    """Start Playwright, of which a process can have only one."""
    from playwright.sync_api import sync_playwright

    if not _running:
        with sync_playwright() as play:
            _running.append(play)
            try:
                yield play
            finally:
                _running.clear()
    else:
        yield _running[0]


_running: list = []


@contextmanager
def chromium(clip: Path | None = None, extra: Sequence[str] = ()):
    """Open a headless Chromium whose camera plays `clip`; without a clip there is no camera."""
    args = [*CHROMIUM_ARGS, *extra]
    if clip is not None:
        args.append("--use-fake-device-for-media-stream")
        args.append(f"--use-file-for-fake-video-capture={clip}")
    with playwright_started() as play:
        browser = play.chromium.launch(
            executable_path=chromium_path(),
            headless=True,
            args=args,
            ignore_default_args=["--headless", "--headless=old"],
        )
        try:
            yield browser
        finally:
            browser.close()


# Keeps every camera stream the page opens, so that a test can see whether it was given back.
WATCH_CAMERA = """
window.cameraTracks = [];
const devices = navigator.mediaDevices;
if (devices) {
    const open = devices.getUserMedia.bind(devices);
    devices.getUserMedia = async wanted => {
        const stream = await open(wanted);
        window.cameraTracks.push(...stream.getTracks());
        return stream;
    };
}
"""


class LabPage:
    """One notebook open in JupyterLab."""

    def __init__(self, page, server: LabServer):
        self.page = page
        self.server = server
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.add_init_script(WATCH_CAMERA)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        # From now on: a key pressed right after Playwright begins to watch may come first.
        page.on("filechooser", lambda _: None)

    def open(self, name: str, host: str = "127.0.0.1") -> LabPage:
        """Open a notebook of the server and wait for its kernel."""
        url = self.server.url.replace("127.0.0.1", host)
        self.page.goto(f"{url}/lab/tree/{name}?token={self.server.token}&reset")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status"
            " === 'idle'"
        )
        self.command("application:toggle-left-area", only_if=".jp-SideBar .lm-mod-current")
        return self

    def command(self, name: str, only_if: str | None = None) -> None:
        """Run one of JupyterLab's commands."""
        if only_if is None or self.page.query_selector(only_if):
            self.page.evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def run_cell(self, index: int) -> None:
        """Select a code cell, scroll to it and start it (does not wait for its end)."""
        self.page.evaluate(
            """async index => {
                const panel = window.jupyterapp.shell.currentWidget;
                panel.content.activeCellIndex = index;
                panel.content.deselectAll();
                await panel.content.scrollToItem(index, 'start');
                window.jupyterapp.commands.execute('notebook:run-cell');
            }""",
            index,
        )

    @property
    def widgets(self):
        """The fer_nb widgets on the page."""
        return self.page.locator(".fer")

    def press(self, name: str, index: int = 0) -> None:
        """Press a button of a widget."""
        self.widgets.nth(index).get_by_role("button", name=name, exact=True).click()

    def says(self, pattern: str, index: int = 0, seconds: float | None = None) -> str:
        """Wait until a widget's status line matches a regular expression; return the line."""
        self.page.wait_for_function(
            """([pattern, index]) => {
                const line = document.querySelectorAll('.fer-status')[index];
                return line && new RegExp(pattern).test(line.textContent);
            }""",
            arg=[pattern, index],
            timeout=seconds and 1000 * seconds,
        )
        return self.widgets.nth(index).locator(".fer-status").inner_text()

    def cameras(self) -> int:
        """How many camera streams the page holds open."""
        return self.page.evaluate(
            "() => window.cameraTracks.filter(track => track.readyState === 'live').length"
        )

    def cameras_become(self, count: int) -> None:
        """Wait until the page holds that many camera streams."""
        self.page.wait_for_function(
            "count => window.cameraTracks.filter(t => t.readyState === 'live').length === count",
            arg=count,
        )

    def ask(self, code: str) -> str:
        """Run code in the notebook's kernel, aside from its cells, and return what it printed.

        Raises
        ------
        AssertionError
            If the code fails.
        """
        answer = self.page.evaluate(
            """async code => {
                const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
                const future = kernel.requestExecute({ code, store_history: false });
                let text = '';
                future.onIOPub = ({ header, content }) => {
                    if (header.msg_type === 'stream' && content.name === 'stdout')
                        text += content.text;
                };
                const { content } = await future.done;
                const trouble = (content.traceback || []).join('\\n');
                return { text, status: content.status, trouble };
            }""",
            code,
        )
        assert answer["status"] == "ok", answer["trouble"]
        return answer["text"].strip()

    def wait_until(self, expression: str) -> None:
        """Wait until an expression in the kernel is true, as messages may be under way.

        Raises
        ------
        AssertionError
            If it does not become true.
        """
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while self.ask(f"print(bool({expression}))") != "True":
            assert time.monotonic() < deadline, f"never true: {expression}"
            self.page.wait_for_timeout(100)

    def kernel(self, what: str) -> None:
        """Restart or interrupt the notebook's kernel, without a dialog."""
        self.page.evaluate(
            "what => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel[what]()",
            what,
        )

    def shut_down(self) -> None:
        """Shut the notebook's kernel down and close the page."""
        self.page.evaluate(
            "() => window.jupyterapp?.serviceManager.sessions.shutdownAll().catch(console.warn)"
        )
        self.page.context.close()
