"""The photo explorer in JupyterLab."""

from __future__ import annotations

from PIL import Image

PHOTO = "import fer_nb\nexplorer = fer_nb.PhotoExplorer()\nexplorer"


def test_photo_by_file_chooser_samples_detectors_and_downloads(lab, tmp_path, hopper):
    page = lab(PHOTO)
    page.run_cell(0)
    page.says("astronaut: 1 face")
    # A file, larger than one message may be.
    photo = tmp_path / "hopper.png"
    Image.fromarray(hopper).resize((1536, 1800)).save(photo, compress_level=0)
    assert photo.stat().st_size > 8_000_000
    with page.page.expect_file_chooser() as chooser:
        page.press("Choose a photo")
    chooser.value.set_files(photo)
    page.says("hopper.png: 1 face, 1536 × 1800")
    assert page.ask("print(explorer.image.shape, len(explorer.reactions))") == "(1800, 1536, 3) 1"
    assert page.widgets.locator(".fer-crop").is_visible()
    # Another detector is seen at once.
    page.widgets.get_by_label("Detector").select_option("haar/fullbody")
    page.says("no face found")
    page.widgets.get_by_label("Detector").select_option("haar/frontalface_default")
    page.says("hopper.png: 1 face")
    # Two faces: a click on a box or its number shows that face.
    page.widgets.get_by_label("Sample").select_option("two faces")
    page.says("two faces: 2 faces")
    heading = page.widgets.locator(".fer-heading")
    before = heading.inner_text()
    page.widgets.get_by_role("button", name="Show face 1").click()
    page.page.wait_for_function(
        "text => document.querySelector('.fer-heading').innerText !== text", arg=before
    )
    with page.page.expect_download() as download:
        page.press("Save table")
    assert len(download.value.path().read_text().splitlines()) == 3
    with page.page.expect_download() as download:
        page.press("Save picture")
    assert Image.open(download.value.path()).size == (720, 420)


def test_a_file_that_is_no_photo_is_explained(lab, tmp_path):
    page = lab(PHOTO)
    page.run_cell(0)
    page.says("astronaut: 1 face")
    wrong = tmp_path / "notes.png"
    wrong.write_text("not a picture")
    page.widgets.get_by_label("Photo file").set_input_files(wrong)
    page.says("not an image")
    page.widgets.get_by_label("Sample").select_option("grace hopper")
    page.says("grace hopper: 1 face")


def test_dropped_and_pasted_pictures(lab, astronaut, tmp_path):
    page = lab(PHOTO)
    page.run_cell(0)
    page.says("astronaut: 1 face")
    send = """async ([kind, target]) => {
        const canvas = new OffscreenCanvas(64, 48);
        canvas.getContext('2d').fillRect(0, 0, 64, 48);
        const file = new File([await canvas.convertToBlob()], kind + '.png', { type: 'image/png' });
        const data = new DataTransfer();
        data.items.add(file);
        const [type, key] = kind === 'drop'
            ? [DragEvent, 'dataTransfer'] : [ClipboardEvent, 'clipboardData'];
        document.querySelector(target).dispatchEvent(
            new type(kind, { [key]: data, bubbles: true, cancelable: true }));
    }"""
    page.page.evaluate(send, ["drop", ".fer-stage"])
    page.says("drop.png: no face found")
    page.page.evaluate(send, ["paste", ".fer-photo"])
    page.says("paste.png: no face found")
