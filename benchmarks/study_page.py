"""How long until a study's page is drawn, and does its player keep up with the screen?

    python benchmarks/study_page.py study/study.html

In headless Chromium (playwright), each time on a fresh page: seconds from the address to drawn
curves, and frames a second while it plays, with means only and with every respondent's curve.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright

DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
FRAMES_A_SECOND = """new Promise(done => {
    let count = 0; const start = performance.now();
    const frame = () => { count++; performance.now() - start < 3000 ?
        requestAnimationFrame(frame) : done(count / 3); };
    requestAnimationFrame(frame);
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("--times", type=int, default=5)
    args = parser.parse_args()
    found: dict[str, list[float]] = {"seconds to open": [], "frames a second": []}
    found["with every respondent"] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium")
        for _ in range(args.times):
            view = browser.new_page(viewport={"width": 1200, "height": 900})
            start = time.perf_counter()
            view.goto(args.page.resolve().as_uri())
            view.wait_for_selector(".u-over")
            view.evaluate(DRAWN)
            found["seconds to open"].append(time.perf_counter() - start)
            view.locator(".fer-play").click()
            found["frames a second"].append(view.evaluate(FRAMES_A_SECOND))
            view.get_by_label("every respondent").check()
            found["with every respondent"].append(view.evaluate(FRAMES_A_SECOND))
            view.close()
        browser.close()
    for name, values in found.items():
        print(f"{name}: {median(values):.2f} ({min(values):.2f} to {max(values):.2f})")


if __name__ == "__main__":
    main()
