"""The webcam preview where it lives: JupyterLab, a browser, a camera."""

from __future__ import annotations

from contextlib import suppress

import pytest

PREVIEW = "import fer_nb\npreview = fer_nb.WebcamPreview()\npreview"


def start(page, cell: int = 0) -> None:
    """Run a cell that shows a preview, press its Start, and wait for the face."""
    page.run_cell(cell)
    page.says("Press Start", cell)
    page.press("Start", cell)
    page.says("1 face", cell)


def started(lab, *cells: str, **options):
    page = lab(PREVIEW, *cells, **options)
    start(page)
    return page


def test_finds_the_face_records_and_gives_the_camera_back(lab):
    page = started(lab)
    assert page.cameras() == 1
    assert page.ask("print(preview.running)") == "True"
    page.press("Record")
    page.page.wait_for_function(
        "() => / ([0-9]+) rows/.exec(document.querySelector('.fer-badge-rec').textContent)?.[1] > 4"
    )
    page.press("Stop recording")
    save = page.widgets.get_by_role("button", name="Save CSV")
    page.page.wait_for_function(
        "() => ![...document.querySelectorAll('.fer button')]"
        ".find(b => b.textContent === 'Save CSV').disabled"
    )
    with page.page.expect_download() as download:
        save.click()
    lines = download.value.path().read_text().splitlines()
    said = page.ask(
        "import fer_nb.tables as r; t = r.check_table(preview.reactions)\n"
        "print(tuple(t.columns) == r.COLUMNS, t.time_s.iloc[0], t.time_s.is_monotonic_increasing,\n"
        "      t.face_id.nunique(), len(t), t.attrs['video']['width'])"
    )
    assert said == f"True 0.0 True 1 {len(lines) - 1} 640"
    badge = page.widgets.locator(".fer-badge").first.inner_text()
    assert "fps" in badge
    assert "ms" in badge
    page.press("Stop")
    page.cameras_become(0)
    assert page.says("Stopped") == "Stopped."
    page.wait_until("not preview.running")


# Notes every camera frame that the preview takes.
WATCH_FRAMES = """
window.framesTaken = [];
const ask = HTMLVideoElement.prototype.requestVideoFrameCallback;
HTMLVideoElement.prototype.requestVideoFrameCallback = function (take) {
    return ask.call(this, (now, meta) => {
        window.framesTaken.push(`${this.srcObject?.id} ${meta.presentedFrames}`);
        take(now, meta);
    });
};
"""


def test_a_camera_frame_is_taken_once_however_often_the_camera_was_started(lab):
    page = started(lab, script=WATCH_FRAMES)
    for _ in range(2):
        page.press("Stop")
        page.press("Start")
        page.says("1 face")
    page.widgets.get_by_label("Size").select_option("320x240")
    page.page.wait_for_function("() => window.cameraTracks.length === 4")
    page.says("1 face")
    page.page.evaluate("() => void (window.framesTaken = [])")
    page.page.wait_for_function("() => window.framesTaken.length > 40")
    taken = page.page.evaluate("() => window.framesTaken")
    assert len(set(taken)) == len(taken)


def test_size_and_camera_set_in_a_cell_open_the_camera_anew(lab):
    page = started(lab)
    page.press("Record")
    page.wait_until("preview._session.recorded()['rows'] > 3")
    for opened, wish in enumerate(["size = '320x240'", "camera = 'another'"], start=2):
        page.ask(f"preview.{wish}")
        page.page.wait_for_function("n => window.cameraTracks.length === n", arg=opened)
        page.cameras_become(1)
        page.says("1 face")
    assert page.widgets.get_by_label("Size").input_value() == "320x240"
    said = page.ask("v = preview.reactions.attrs['video']; print(v['width'], preview.recording)")
    assert said == "640 False"
    page.press("Record")
    # The first recording's rows are told until the button's message has come to the kernel.
    page.wait_until("preview.recording and preview._session.recorded()['rows'] > 3")
    assert page.ask("print(preview.reactions.attrs['video']['width'])") == "320"


def test_neutral_calibration_shows_the_change(lab):
    page = started(lab)
    said = ""
    while "Neutral is set" not in said:  # a busy machine reads too few frames in three seconds
        page.press("Set neutral")
        page.says("Look neutral")
        said = page.says("Neutral is set|long enough")
    page.page.wait_for_function(
        "() => document.querySelector('.fer-heading').textContent.includes('change')"
    )
    assert page.ask("print(len(preview.baselines))") == "1"


def test_a_refused_camera_is_explained_and_can_be_tried_again(lab, browsers):
    browser = browsers("--deny-permission-prompts")
    page = lab(PREVIEW, browser=browser)
    page.run_cell(0)
    for _ in range(2):
        page.press("Start")
        assert "Allow it" in page.says("not allowed")
    assert page.cameras() == 0


def test_no_camera_and_an_insecure_page_are_explained(lab, browsers):
    browser = browsers("--use-fake-ui-for-media-stream", camera=False)
    page = lab(PREVIEW, browser=browser)
    page.run_cell(0)
    page.press("Start")
    assert "Plug one in" in page.says("No camera")
    from lab_harness import INSECURE_HOST

    page = lab(PREVIEW, browser=browser, host=INSECURE_HOST)
    page.run_cell(0)
    assert "https" in page.says("plain http")
    assert page.widgets.get_by_role("button", name="Start", exact=True).is_disabled()


def test_vs_code_has_no_camera_and_is_told_so(lab):
    page = lab(PREVIEW, script="window.acquireVsCodeApi = () => null;")
    page.run_cell(0)
    assert "fer-nb lab" in page.says("VS Code gives notebooks no camera")
    assert page.widgets.get_by_role("button", name="Start", exact=True).is_disabled()


def test_runs_in_notebook_7(server, browsers):
    pytest.importorskip("notebook", reason="Notebook 7 is not installed")
    from lab_harness import LabPage
    from playwright.sync_api import TimeoutError as PlaywrightTimeout

    name = server.notebook("notebook-7.ipynb", [PREVIEW])
    context = browsers("--use-fake-ui-for-media-stream").new_context()
    lab_page = LabPage(context.new_page(), server)
    page = lab_page.page
    page.goto(f"{server.url}/notebooks/{name}?token={server.token}")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    ran = "() => /\\[[*1]\\]/.test(document.querySelector('.jp-InputPrompt').innerText)"
    for _ in range(4):  # while the page still builds itself, a key may be lost
        page.locator(".jp-Cell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        with suppress(PlaywrightTimeout):
            page.wait_for_function(ran, timeout=15_000)
            break
    lab_page.says("Press Start")
    lab_page.press("Start")
    lab_page.says("1 face")
    assert lab_page.cameras() == 1
    lab_page.press("Stop")
    lab_page.cameras_become(0)
    lab_page.shut_down()


def test_a_second_view_takes_the_camera_over(lab):
    page = started(lab, "preview")
    start(page, 1)
    page.says("another view", 0)
    page.cameras_become(1)


def test_a_camera_that_is_taken_away(lab):
    page = started(lab)
    page.page.evaluate("() => window.cameraTracks.at(-1).dispatchEvent(new Event('ended'))")
    page.says("taken away")
    page.cameras_become(0)
    page.press("Start")
    page.says("1 face")


def test_two_previews_and_a_cell_run_again(lab):
    page = started(lab, "second = fer_nb.WebcamPreview()\nsecond")
    start(page, 1)
    assert page.cameras() == 2
    page.run_cell(0)  # a new preview takes the place of the first, whose camera goes off
    page.cameras_become(1)
    page.says("Press Start", 0)
    page.press("Start", 0)
    page.says("1 face", 0)
    assert page.ask("print(preview.running, second.running)") == "True True"
    page.command("application:close")
    page.page.get_by_role("button", name="Discard").click()
    page.cameras_become(0)


@pytest.mark.parametrize("what", ["changeKernel", "shutdown"])
def test_a_kernel_that_is_changed_or_shut_down_ends_the_preview(lab, what):
    page = started(lab)
    page.press("Record")
    page.wait_until("preview._session.recorded()['rows'] > 3")
    page.page.evaluate(
        "w => window.jupyterapp.shell.currentWidget.sessionContext[w]({ name: 'python3' })", what
    )
    page.says("restarted, changed or has died")
    page.cameras_become(0)
    assert page.widgets.locator("button:enabled").count() == 0


@pytest.mark.parametrize("subshells", [True, False], ids=["subshells", "one-thread"])
def test_a_busy_interrupted_and_restarted_kernel(lab, server, subshells):
    server.use_subshells(subshells)
    try:
        page = started(lab, "import time\nfor _ in range(600):\n    time.sleep(0.1)")
    finally:
        server.use_subshells(True)
    page.run_cell(1)
    if subshells:  # messages have a thread of their own: the preview goes on beside the cell
        page.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status"
            " === 'busy'"
        )
        page.press("Set neutral")
        page.says("Look neutral")
    else:
        page.says("busy with something else")
        assert page.cameras() == 1
        page.says("not answered for 30 seconds", seconds=60)
        page.cameras_become(0)
    page.kernel("interrupt")
    if not subshells:
        page.press("Start")
    page.says("1 face|Press Start")
    page.kernel("restart")
    page.says("restarted, changed or has died")
    page.cameras_become(0)
    start(page)


def test_a_camera_without_a_picture_is_told(lab):
    silent = """
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async wanted => {
        const stream = await open(wanted);
        HTMLMediaElement.prototype.play = () => new Promise(() => {});
        return stream;
    };
    """
    page = lab(PREVIEW, script=silent)
    page.run_cell(0)
    page.press("Start")
    page.says("gives no picture")
    page.press("Stop")
    page.cameras_become(0)


def test_frames_are_encoded_on_the_page_where_the_worker_cannot(lab):
    page = started(
        lab,
        script="""
    const Real = window.Worker;
    window.Worker = function (url, options) {
        if (!String(url).startsWith("blob:")) return new Real(url, options);
        return new Real(URL.createObjectURL(
            new Blob([`delete self.OffscreenCanvas; importScripts("${url}");`])));
    };
    URL.revokeObjectURL = () => {};
    """,
    )
    assert page.ask("print(preview.stats['frames'] > 1)") == "True"
