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


def test_a_failed_upload_is_told_and_the_same_file_can_be_chosen_again(lab, tmp_path, hopper):
    page = lab(PHOTO)
    page.run_cell(0)
    page.says("astronaut: 1 face")
    photo = tmp_path / "hopper.png"
    Image.fromarray(hopper).save(photo)
    page.ask(
        "from unittest.mock import patch\n"
        "full = patch.object(explorer._uploads, 'take', side_effect=OSError('the disk is full'))\n"
        "_ = full.start()"
    )
    file = page.widgets.get_by_label("Photo file")
    file.set_input_files(photo)
    page.says("the disk is full")
    assert file.input_value() == ""
    page.ask("full.stop()")
    file.set_input_files(photo)
    page.says("hopper.png: 1 face")


def test_of_two_files_at_once_the_second_is_shown(lab):
    page = lab(PHOTO)
    page.run_cell(0)
    page.says("astronaut: 1 face")
    page.page.evaluate(
        """async () => {
            const canvas = new OffscreenCanvas(64, 48);
            canvas.getContext('2d').fillRect(0, 0, 64, 48);
            const picture = await canvas.convertToBlob();
            const slow = new File([picture], 'slow.png');
            const read = done => setTimeout(done, 1500, picture.arrayBuffer());
            slow.slice = () => ({ arrayBuffer: () => new Promise(read) });
            for (const file of [slow, new File([picture], 'fast.png')]) {
                const event = new DragEvent('drop', { dataTransfer: new DataTransfer() });
                Object.defineProperty(event, 'dataTransfer', { value: { files: [file] } });
                document.querySelector('.fer-stage').dispatchEvent(event);
            }
        }"""
    )
    page.says("fast.png: no face found")
    page.page.wait_for_timeout(3000)
    page.says("fast.png: no face found")
    assert page.ask("print(explorer._name)") == "fast.png"


def test_a_second_view_does_not_save_twice(lab):
    page = lab(PHOTO, "explorer")
    for cell in (0, 1):
        page.run_cell(cell)
        page.says("astronaut: 1 face", cell)
    saved = []
    page.page.on("download", lambda download: saved.append(download))
    for name in ("Save table", "Save picture"):
        with page.page.expect_download():
            page.press(name, 1)
    page.page.wait_for_timeout(1000)
    names = sorted(download.suggested_filename for download in saved)
    assert names == ["astronaut-annotated.png", "astronaut-reactions.csv"]


def test_a_restarted_kernel_is_told(lab):
    page = lab(PHOTO, "video = fer_nb.VideoExplorer()\nvideo")
    page.run_cell(0)
    page.run_cell(1)
    page.says("astronaut: 1 face")
    page.says("Choose a video", 1)
    page.kernel("restart")
    for index in (0, 1):
        page.says("restarted, changed or has died", index)
        controls = page.widgets.nth(index).locator(":is(button, select, input):enabled")
        assert controls.count() == 0


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
