"""The video explorer in JupyterLab."""

from __future__ import annotations

OPEN = """import fer_nb
from fer_nb.widgets.samples import sample_video
explorer = fer_nb.VideoExplorer(sample_video('sample.mp4'))
explorer"""

# A detector that takes its time, so that there is something to cancel.
SLOW = """import time
class Slow:
    name = 'slow'
    inner = fer_nb.load_detector('haar')
    def __call__(self, image):
        time.sleep(0.4)
        return self.inner(image)
slow = fer_nb.VideoExplorer('sample.mp4', detector=Slow())
slow"""


def shown(page) -> float:
    return float(page.widgets.first.locator(".fer-video-stage").get_attribute("data-shown"))


def shown_becomes(page, test: str) -> None:
    page.page.wait_for_function(
        f"() => {{ const t = Number(document.querySelector('.fer-video-stage').dataset.shown);"
        f" return {test}; }}"
    )


def test_scrubbing_changes_the_frame_and_a_span_is_summarised(lab):
    page = lab(OPEN, SLOW)
    page.run_cell(0)
    page.says("Press Analyse")
    shown_becomes(page, "t === 0")
    page.press("Analyse")
    page.says("150 frames analysed, 2 faces")
    fer = page.widgets.first
    # The picture at a position is the one of that time.
    first = fer.locator(".fer-stage img").get_attribute("src")
    fer.get_by_label("Position in the video").fill("3")
    shown_becomes(page, "Math.abs(t - 3) < 0.041")
    assert fer.locator(".fer-stage img").get_attribute("src") != first
    # So is the one under the pointer; dragging marks a span.
    curves = fer.locator(".fer-curves")
    curves.scroll_into_view_if_needed()
    box = curves.bounding_box()
    plot = box["width"] - 64  # what drawCurves leaves for the axis on both sides
    at = [box["x"] + 52 + share * plot for share in (0.25, 0.75)]
    page.page.mouse.move(at[0], box["y"] + 60)
    shown_becomes(page, "Math.abs(t - 1.5) < 0.1")
    page.page.mouse.down()
    page.page.mouse.move(at[1], box["y"] + 60, steps=6)
    page.page.mouse.up()
    shown_becomes(page, "Math.abs(t - 4.5) < 0.1")
    page.page.wait_for_function(
        "() => document.querySelector('.fer-summary').textContent.includes('Span 0:01.5')"
    )
    said = page.ask("s = explorer.selected; print(s.frame.nunique(), s.face_id.nunique())")
    assert 73 <= int(said.split()[0]) <= 77
    assert said.split()[1] == "2"
    # Keys: one frame on, and the span cleared.
    before = shown(page)
    curves.focus()
    page.page.keyboard.press("ArrowRight")
    shown_becomes(page, f"t > {before}")
    page.page.keyboard.press("Escape")
    page.page.wait_for_function(
        "() => document.querySelector('.fer-summary').textContent.includes('Whole video')"
    )
    # Playing moves on by itself and ends at the end.
    fer.get_by_label("Speed").select_option("4")
    page.press("Play")
    shown_becomes(page, "t > 5.5")
    page.page.wait_for_selector(".fer-player button[aria-label=Play]")
    # People can be left out.
    fer.get_by_role("button", name="Face 1").click()
    assert fer.locator(".fer-summary tbody tr").count() == 1
    with page.page.expect_download() as download:
        page.press("Save table")
    assert len(download.value.path().read_text().splitlines()) == 301
    with page.page.expect_download() as download:
        page.press("Save figure")
    assert download.value.path().read_bytes().startswith(b"\x89PNG")
    page.press("Save clip")
    page.says("annotated clip is")
    said = page.ask(
        "with fer_nb.VideoReader('sample-annotated.mp4') as v:\n"
        "    print(v.info.width, sum(1 for _ in v))"
    )
    assert said == "720 150"
    # An analysis tells how far it is, and can be cancelled.
    page.run_cell(1)
    page.says("Press Analyse", 1)
    page.press("Analyse", 1)
    page.says(r"Analysing: \d+ %", 1)
    page.press("Cancel", 1)
    page.says("Cancelled", 1)


def test_a_video_from_the_file_chooser_and_a_wrong_path(lab, viewer):
    page = lab("import fer_nb\nexplorer = fer_nb.VideoExplorer()\nexplorer")
    page.run_cell(0)
    page.says("Choose a video")
    path = page.widgets.get_by_label("Path of a video")
    path.fill("nowhere.mp4")
    path.press("Enter")
    page.says("no file nowhere.mp4")
    page.widgets.get_by_label("Video file").set_input_files(viewer)
    page.says("viewer.mp4: 0:03.0, 400 × 300")
    # One that does not arrive leaves the open video as it is.
    page.ask(
        "from unittest.mock import patch\n"
        "patch.object(explorer._uploads, 'take', side_effect=OSError('the disk is full')).start()"
    )
    page.widgets.get_by_label("Video file").set_input_files(viewer)
    page.says("the disk is full")
    page.page.wait_for_selector(".fer-progress", state="hidden")
    page.press("Analyse")
    page.says("45 frames analysed, 1 face")


def test_the_step_set_in_a_cell_is_the_one_analysed(lab, viewer):
    page = lab(
        f"import fer_nb\nexplorer = fer_nb.VideoExplorer({str(viewer)!r}, every=3)\nexplorer"
    )
    page.run_cell(0)
    page.says("Press Analyse")
    every = page.widgets.locator("select").first
    assert every.input_value() == "3"
    page.ask("explorer.every = 9")
    page.page.wait_for_function("() => document.querySelector('.fer-video select').value === '9'")
    # Keys: the focus goes to Cancel, and back.
    page.widgets.get_by_role("button", name="Analyse", exact=True).press("Enter")
    page.says(": 5 frames analysed")
    focused = "document.activeElement.textContent"
    assert page.page.evaluate(focused) == "Analyse"
