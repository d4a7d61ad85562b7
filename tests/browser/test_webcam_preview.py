"""The webcam preview where it lives: JupyterLab, a browser, a camera."""

from __future__ import annotations

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
        "import fer_nb.reactions as r; t = r.check_table(preview.reactions)\n"
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


def test_neutral_calibration_shows_the_change(lab):
    page = started(lab)
    page.press("Set neutral")
    page.says("Look neutral")
    page.says("Neutral is set|1 face")
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

    name = server.notebook("notebook-7.ipynb", [PREVIEW])
    context = browsers("--use-fake-ui-for-media-stream").new_context()
    lab_page = LabPage(context.new_page(), server)
    page = lab_page.page
    page.goto(f"{server.url}/notebooks/{name}?token={server.token}")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    page.locator(".jp-Cell").first.click()
    page.keyboard.press("Shift+Enter")
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
    page.says("restarted or has died")
    page.cameras_become(0)
    start(page)
