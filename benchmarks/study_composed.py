"""Compose a study like an agency's, to look at its report: everything that is odd, at once.

Twenty respondents watch two cuts of one film whose scenes were moved, in either order, and get used
to it. They have groups and segments; one leaves early, one sits in the dark, two are recordings of
real people. Both cuts are films with a logo at their end, and twelve pseudo-ads make up the norms.
The other viewers are simulated, and what they were made to do is known: both cuts make them smile
at the joke, cut B more; the storm frightens them.

    python benchmarks/study_composed.py --out composed            # the study, its page and exports
    python benchmarks/study_composed.py --out composed --look     # and pictures of all of it

Without the data beside a developer's checkout the two real recordings are simulated as well.
`--look` needs Chromium (playwright), LibreOffice and poppler.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from fer_nb import analyze_video
from fer_nb.media import VideoWriter
from fer_nb.reports import report_study
from fer_nb.reports.export import export_study
from fer_nb.study import StudyConfig, add_to_norms, run_study
from fer_nb.study.simulate import Event, simulate_signals, simulate_table

SECONDS, RATE, START_S, FPS = 30, 5, 5, 15
SCENES = {
    "A": (("Harbour", 0, 6), ("Joke", 6, 12), ("Storm", 12, 19), ("Reunion", 19, 25)),
    "B": (("Harbour", 0, 6), ("Storm", 6, 13), ("Joke", 13, 19), ("Reunion", 19, 25)),
}
LOGO = ("Harbour Lights", 25, 30)
LOOKS = {  # sky, sea, sun: RGB
    "Harbour": ((164, 200, 224), (52, 104, 140), (250, 236, 190)),
    "Joke": ((250, 214, 120), (70, 150, 160), (255, 120, 90)),
    "Storm": ((54, 60, 74), (24, 34, 48), (120, 126, 140)),
    "Reunion": ((240, 168, 132), (110, 80, 120), (255, 226, 170)),
    "Logo": ((22, 58, 74), (22, 58, 74), (250, 236, 190)),
}
SUN = (250, 236, 190)
PEOPLE = 20
LEAVES, DARK, REAL = 3, 7, {18: ("A", "liveportrait_d6.mp4"), 19: ("B", "liveportrait_d9.mp4")}
VIDEOS = Path(__file__).parents[2] / "shared" / "data" / "videos"
WIDE, PHONE = 1200, 420


def picture(scene: str, second: float) -> np.ndarray:
    """A frame of the film: sea, sun, a boat, and the logo at the end (270, 480, 3)."""
    sky, sea, sun = LOOKS[scene]
    image = np.full((270, 480, 3), sky, np.uint8)
    if scene == "Logo":
        cv2.putText(image, LOGO[0], (78, 140), cv2.FONT_HERSHEY_DUPLEX, 1.3, SUN, 2, cv2.LINE_AA)
        return image
    cv2.circle(image, (360 - int(4 * second), 96), 34, sun, -1, cv2.LINE_AA)
    x = np.arange(480)
    height = 168 + (14 if scene == "Storm" else 4) * np.sin(x / 26 + 2.4 * second)
    image[np.arange(270)[:, None] > height[None]] = sea
    boat = (90 + int(9 * second), int(height[90 + int(9 * second)]))
    cv2.ellipse(image, boat, (34, 12), 0, 0, 180, (240, 240, 236), -1, cv2.LINE_AA)
    cv2.line(image, boat, (boat[0], boat[1] - 52), (240, 240, 236), 3, cv2.LINE_AA)
    cv2.putText(image, scene, (16, 28), cv2.FONT_HERSHEY_DUPLEX, 0.6, SUN, 2, cv2.LINE_AA)
    return image


def film(path: Path, cut: str) -> None:
    scenes = [*SCENES[cut], ("Logo", *LOGO[1:])]
    with VideoWriter(path, fps=12.5, options={"crf": "30"}, force=True) as writer:
        for i in range(int(SECONDS * 12.5)):
            second = i / 12.5
            name = next(n for n, begin, end in scenes if begin <= second < end)
            writer.write(picture(name, second), second)


def events(cut: str, late: bool) -> tuple[Event, ...]:
    """What a cut does: a joke, better told in B, and a storm; less so to who saw the other."""
    begin = {name: a for name, a, _ in SCENES[cut]}
    worth = 0.8 if late else 1.0
    joke = Event(
        "happy", begin["Joke"] + 1.5, begin["Joke"] + 6, worth * (3.4 if cut == "B" else 2.2)
    )
    storm = Event("fear", begin["Storm"] + 1.5, begin["Storm"] + 5, worth * 2.2)
    return joke, storm, Event("happy", 21, 25, worth * 1.4)


def person(i: int, cut: str) -> dict:
    order = "AB" if i % 2 else "BA"
    return {
        "respondent": f"V{i + 1:02d}",
        "stimulus": f"cut-{cut.lower()}",
        "video": f"{cut}/V{i + 1:02d}.mp4",
        "start_s": START_S,
        "group": "users" if i % 4 < 2 else "others",
        "order": order,
        "period": order.index(cut) + 1,
        "gender": "woman" if i % 3 else "man",
        "age band": ("18–29", "30–49", "50+")[i % 3 if i < 18 else 0],
        "market": "DE" if i < 17 else "AT",
    }


def compose(folder: Path) -> tuple[Path, dict[str, pd.DataFrame]]:
    """Write films, manifest and stimuli; return the manifest and the tables of its recordings."""
    rng, rows, tables = np.random.default_rng(22), [], {}
    real = {}
    if VIDEOS.is_dir():
        real = {i: analyze_video(VIDEOS / name, every=3) for i, (_, name) in REAL.items()}
    for cut in "AB":
        film(folder / f"cut-{cut.lower()}.mp4", cut)
        signals = {
            late: simulate_signals(PEOPLE, SECONDS, RATE, rng, events=events(cut, late))[1]
            for late in (False, True)
        }
        for i in range(PEOPLE):
            row = person(i, cut)
            if i in real:
                if REAL[i][0] != cut:
                    continue
                row["start_s"], row["period"] = 1.5, 1
                row["order"] = "AB" if cut == "A" else "BA"
                tables[row["video"]] = real[i]
            else:
                own = signals[row["period"] == 2][i]
                if i == LEAVES and cut == "B":
                    own[:, (START_S + 20) * RATE :] = np.nan
                table = simulate_table(own, RATE, FPS, row["video"], rng=rng)
                if i == DARK:
                    table["brightness"] -= 100
                tables[row["video"]] = like(table, real)
            rows.append(row)
    manifest = folder / "manifest.csv"
    pd.DataFrame(rows).to_csv(manifest, index=False)
    named = [dict(zip(("name", "start_s", "end_s"), s, strict=True)) for s in (LOGO,)]
    stimuli = [
        {
            "stimulus": f"cut-{cut.lower()}",
            "video": f"cut-{cut.lower()}.mp4",
            "title": f"Harbour Lights, cut {cut}",
            "scenes": json.dumps(
                [dict(zip(("name", "start_s", "end_s"), s, strict=True)) for s in SCENES[cut]]
            ),
            "brand": json.dumps(named),
        }
        for cut in "AB"
    ]
    pd.DataFrame(stimuli).to_csv(folder / "stimuli.csv", index=False)
    return manifest, tables


def like(table: pd.DataFrame, real: dict[int, pd.DataFrame]) -> pd.DataFrame:
    """Let a simulated table say it was measured as the real ones, so that norms compare."""
    for other in real.values():
        for name in ("model", "model_version", "model_sha256", "package_version", "prior"):
            table.attrs[name] = other.attrs[name]
        table.attrs["parameters"]["detector"] = other.attrs["parameters"]["detector"]
    return table


def past_ads(folder: Path, library: Path, real: dict[int, pd.DataFrame], count: int = 12) -> None:
    """Twelve simulated ads, dull to funny, as norms."""
    config = StudyConfig(n_boot=400, n_permutations=500, isc_shifts=20)
    for k in range(count):
        rng = np.random.default_rng([22, k])
        seconds = int(rng.integers(20, 36))
        joke = Event("happy", 6, 6 + rng.uniform(2, 9), rng.uniform(0.2, 3.2))
        fright = Event("fear", 14, 17, rng.uniform(0, 2))
        _, signals = simulate_signals(12, seconds, RATE, rng, events=(joke, fright))
        names = [f"p{i}.mp4" for i in range(12)]
        tables = {
            name: like(simulate_table(signals[i], RATE, FPS, name, rng=rng), real)
            for i, name in enumerate(names)
        }
        place = folder / f"ad{k:02d}"
        place.mkdir(parents=True, exist_ok=True)
        rows = [f"p{i},ad{k:02d},{name},{START_S}" for i, name in enumerate(names)]
        manifest = place / f"ad{k:02d}.csv"
        manifest.write_text("\n".join(["respondent,stimulus,video,start_s", *rows]) + "\n")
        (place / "stimuli.csv").write_text(f"stimulus,duration_s\nad{k:02d},{seconds}\n")
        result = run_study(manifest, tables=tables, config=config)
        add_to_norms(result, library, category="ad", market="DE", study=f"ad{k:02d}", force=True)


def look(study: Path, pictures: Path) -> None:
    """Pictures of the page (wide, dark, on a phone), of the PDF, and of the slides."""
    from playwright.sync_api import sync_playwright

    pictures.mkdir(exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium")
        for name, width, scheme in (
            ("wide", WIDE, "light"),
            ("dark", WIDE, "dark"),
            ("phone", PHONE, "light"),
        ):
            view = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            view.goto((study / "study.html").resolve().as_uri())
            view.wait_for_selector(".u-over")
            view.screenshot(path=pictures / f"{name}.png", full_page=True)
            if name != "dark":
                view.evaluate("document.querySelector('details.appendix').open = true")
                view.screenshot(path=pictures / f"{name}_full.png", full_page=True)
            wide = view.evaluate("document.documentElement.scrollWidth")
            print(f"{name}: {wide} px of {width} px", flush=True)
        browser.close()
    office = ["soffice", "--headless", "--convert-to", "pdf", "--outdir", str(pictures)]
    subprocess.run([*office, str(study / "study.pptx")], check=True, capture_output=True)
    (pictures / "study.pdf").rename(pictures / "slides.pdf")
    for name, paper in (("slides", pictures / "slides.pdf"), ("page", study / "study.pdf")):
        subprocess.run(["pdftoppm", "-r", "60", "-png", paper, pictures / name], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--look", action="store_true", help="also make pictures of everything")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    manifest, tables = compose(options.out)
    library = options.out / "norms"
    real = {i: tables[f"{cut}/V{i + 1:02d}.mp4"] for i, (cut, _) in REAL.items() if VIDEOS.is_dir()}
    if not library.is_dir():
        past_ads(options.out / "ads", library, real)
    title = "Harbour Lights: which cut? (composed study, viewers simulated)"
    study = options.out / "study"
    shown = {"title": title, "norms": library, "category": "ad", "force": True}
    print(report_study(manifest, study, tables=tables, **shown))
    for file in (
        *export_study(study, pdf="short", **shown),
        *export_study(study, pptx=True, xlsx=True, **shown),
    ):
        print(file)
    if options.look:
        look(study, options.out / "pictures")


if __name__ == "__main__":
    main()
