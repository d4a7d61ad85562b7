"""Take pictures of the widgets' states in both themes and two widths, to be looked at.

    python tests/browser/screenshots.py OUT [--theme dark] [--width 800] [--only webcam]

Needs Chromium and the [dev] packages. The camera is Chromium's fake device, playing sample photos.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from lab_harness import LabPage, LabServer, chromium, face_clip

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
WIDTHS = (800, 1600)
HEIGHTS = {"webcam": 1300, "photo": 1300, "video": 1700}


class Shooter:
    """Opens a notebook with one widget and photographs it."""

    def __init__(self, server: LabServer, out: Path, theme: str, width: int):
        self.server, self.out, self.theme, self.width = server, out, theme, width

    def page(self, browser, what: str, code: str, **options):
        context = browser.new_context(
            viewport={"width": self.width, "height": HEIGHTS[what]}, **options
        )
        lab = LabPage(context.new_page(), self.server)
        lab.open(self.server.notebook(f"{what}.ipynb", [f"import fer_nb\n{code}"]))
        lab.run_cell(0)
        lab.page.wait_for_selector(".fer")
        return lab, lab.page.locator(".fer").first

    def shoot(self, lab: LabPage, name: str) -> None:
        # Chromium calls its fake camera by the path of the clip.
        lab.page.evaluate(
            """() => document.querySelectorAll('.fer option').forEach(option => {
                if (option.textContent.startsWith('/')) option.textContent = 'Built-in camera';
            })"""
        )
        lab.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => setTimeout(done, 400)))"
        )
        file = self.out / f"{name}-{self.theme}-{self.width}.png"
        lab.page.locator(".fer").first.screenshot(path=file)
        print(file)

    def says(self, lab: LabPage, text: str) -> None:
        lab.page.wait_for_function(
            "text => document.querySelector('.fer-status')?.textContent.includes(text)", arg=text
        )

    def webcam(self, folder: Path) -> None:
        code = "preview = fer_nb.WebcamPreview()\npreview"
        allow = ["--use-fake-ui-for-media-stream"]
        press = {"name": "Start", "exact": True}
        for name in ("astronaut", "two faces"):
            clip = face_clip(folder / f"{name.replace(' ', '-')}.mjpeg", name)
            with chromium(clip, allow) as browser:
                lab, fer = self.page(browser, "webcam", code)
                if name == "astronaut":
                    self.shoot(lab, "webcam-off")
                fer.get_by_role("button", **press).click()
                self.says(lab, "1 face" if name == "astronaut" else "2 faces")
                lab.page.wait_for_timeout(6000)
                if name == "two faces":
                    self.shoot(lab, "webcam-two")
                    continue
                self.shoot(lab, "webcam-on")
                fer.get_by_role("button", name="Set neutral").click()
                self.says(lab, "Look neutral")
                self.shoot(lab, "webcam-calibrating")
                lab.page.wait_for_function(
                    "() => !document.querySelector('.fer-status').textContent.includes('Look')"
                )
                fer.get_by_role("button", name="Record").click()
                lab.page.wait_for_timeout(3000)
                self.shoot(lab, "webcam-recording")
        with chromium(clip, ["--deny-permission-prompts"]) as browser:
            lab, fer = self.page(browser, "webcam", code)
            fer.get_by_role("button", **press).click()
            self.says(lab, "not allowed")
            self.shoot(lab, "webcam-refused")

    def photo(self, folder: Path) -> None:
        with chromium() as browser:
            lab, fer = self.page(browser, "photo", "explorer = fer_nb.PhotoExplorer()\nexplorer")
            self.says(lab, "1 face")
            self.shoot(lab, "photo-one")
            fer.get_by_label("Sample").select_option("two faces")
            self.says(lab, "2 faces")
            self.shoot(lab, "photo-two")
            fer.get_by_label("Detector").select_option("haar/fullbody")
            self.says(lab, "no face")
            self.shoot(lab, "photo-none")

    def video(self, folder: Path) -> None:
        code = (
            "from fer_nb.widgets.samples import sample_video\n"
            "explorer = fer_nb.VideoExplorer(sample_video('sample.mp4'))\nexplorer"
        )
        with chromium() as browser:
            lab, fer = self.page(browser, "video", code)
            self.says(lab, "Press Analyse")
            self.shoot(lab, "video-open")
            fer.get_by_role("button", name="Analyse", exact=True).click()
            self.says(lab, "frames analysed")
            curves = fer.locator(".fer-curves")
            curves.scroll_into_view_if_needed()
            box = curves.bounding_box()
            lab.page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 60)
            lab.page.mouse.down()
            lab.page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 60, steps=5)
            lab.page.mouse.up()
            lab.page.wait_for_function(
                "() => Number(document.querySelector('.fer-video-stage').dataset.shown) > 3"
            )
            self.shoot(lab, "video-explored")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--theme", choices=THEMES, action="append")
    parser.add_argument("--width", type=int, action="append")
    parser.add_argument("--only", choices=HEIGHTS, action="append")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        server = LabServer(Path(folder)).start()
        try:
            for theme in chosen.theme or THEMES:
                server.set_theme(THEMES[theme])
                for width in chosen.width or WIDTHS:
                    shooter = Shooter(server, chosen.out, theme, width)
                    for what in chosen.only or HEIGHTS:
                        getattr(shooter, what)(Path(folder))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
