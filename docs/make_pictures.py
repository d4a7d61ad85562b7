"""Make the README's picture from the demo's own reports: `make readme-pictures`.

Needs Chromium and the demo in reports/demo.
"""

import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "reports" / "demo" / "audience" / "study.html"
PICTURE = ROOT / "docs" / "report.png"
WIDTH, HEIGHT = 1100, 1715


def main() -> None:
    """Photograph the top of the study report."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("Chromium is needed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(PAGE.as_uri())
        page.screenshot(path=PICTURE)
        browser.close()
    Image.open(PICTURE).convert("RGB").save(PICTURE, optimize=True)
    print(PICTURE)


if __name__ == "__main__":
    main()
