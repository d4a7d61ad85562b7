"""How long, and how much memory, does a big study take from ready tables?

    python benchmarks/study_scale.py --respondents 500 --minutes 5

The tables are simulated and written first (one Parquet file per recording, 15 frames a second),
with three columns of segments; the study then runs in a process of its own, whose time and peak
memory are reported. `--keep DIR` keeps them, for instance to measure the study's page:

    fer-nb study DIR/manifest.csv --tables DIR/tables --out DIR/study
    python benchmarks/study_scale.py --page DIR/study/study.html

Headless Chromium (playwright) then opens it five times: seconds from the address to drawn curves,
and frames a second while it plays, with means only and with every respondent's curve.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from fer_nb.study.simulate import Event, simulate_signals, simulate_table
from fer_nb.tables import write_table

_RUN = """
import json, sys, time
start = time.perf_counter()
from fer_nb.study import run_study
result = run_study(sys.argv[1], tables=sys.argv[2], out_dir=sys.argv[3])
lines = open("/proc/self/status").read().splitlines()
peak = next(int(line.split()[1]) for line in lines if "VmHWM" in line) / 1e6
print(json.dumps({
    "seconds": round(time.perf_counter() - start, 1), "peak_gb": round(peak, 2),
    "cpu_seconds": round(time.process_time(), 1),
    "kept": result.kept, "moments": len(result.moments),
}))
"""


DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
FRAMES_A_SECOND = """new Promise(done => {
    let count = 0; const start = performance.now();
    const frame = () => { count++; performance.now() - start < 3000 ?
        requestAnimationFrame(frame) : done(count / 3); };
    requestAnimationFrame(frame);
})"""


def prepare(folder: Path, respondents: int, minutes: float, fps: float) -> Path:
    """Write the manifest and tables of a simulated study; return the manifest."""
    rng = np.random.default_rng(0)
    seconds = 60 * minutes
    events = (Event("happy", 60, 66, 2.0), Event("surprise", 150, 153, 2.5))
    (folder / "tables").mkdir()
    lines = ["respondent,stimulus,video,start_s,gender,age band,market"]
    for first in range(0, respondents, 50):
        count = min(50, respondents - first)
        _, signals = simulate_signals(count, seconds, 5, rng, events=events)
        for i in range(count):
            name = f"r{first + i:04d}"
            table = simulate_table(signals[i], 5, fps, f"{name}.mp4", rng=rng)
            write_table(table, folder / "tables" / f"{name}.parquet")
            who = first + i
            segments = ("man", "woman")[who % 2], ("18", "30", "50")[who % 3], "ABCD"[who % 4]
            lines.append(",".join([name, "film", f"{name}.mp4", "5", *segments]))
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    (folder / "stimuli.csv").write_text(f"stimulus,duration_s\nfilm,{seconds:g}\n")
    return folder / "manifest.csv"


def measure_page(page: Path, times: int = 5) -> None:
    """Print how long a study's page takes to open, and how smoothly it plays."""
    from playwright.sync_api import sync_playwright

    found: dict[str, list[float]] = {"seconds to open": [], "frames a second": []}
    found["with every respondent"] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium")
        for _ in range(times):
            view = browser.new_page(viewport={"width": 1200, "height": 900})
            start = time.perf_counter()
            view.goto(page.resolve().as_uri())
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--respondents", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--fps", type=float, default=15)
    parser.add_argument("--keep", type=Path, help="a new folder for the manifest and tables")
    parser.add_argument("--page", type=Path, help="only measure this page of a study")
    args = parser.parse_args()
    if args.page:
        measure_page(args.page)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = args.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        start = time.perf_counter()
        manifest = prepare(folder, args.respondents, args.minutes, args.fps)
        print(f"tables written in {time.perf_counter() - start:.0f} s", flush=True)
        run = subprocess.run(
            [sys.executable, "-c", _RUN, str(manifest), str(folder / "tables"), str(folder / "o")],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            sys.exit(run.stderr)
        print(json.dumps(vars(args), default=str), run.stdout.strip())


if __name__ == "__main__":
    main()
