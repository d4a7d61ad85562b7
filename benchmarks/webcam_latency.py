"""Measure the webcam preview end to end: camera frame to drawn answer, and the kernel's memory.

    python benchmarks/webcam_latency.py [--minutes 5] [--size 640x480] [--out FILE.json]

A headless Chromium with a fake camera (30 frames a second, one swaying face) shows the preview in
a real JupyterLab on this computer. Frames a second are counted by the kernel; the delay is measured
in the browser, from the capture of a frame to the screen refresh that shows its answer. It needs
the [dev] packages and Chromium. Other work on the computer counts against the result, so the load
is noted with it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))

from lab_harness import LabPage, LabServer, chromium, face_clip

CELL = "import fer_nb\npreview = fer_nb.WebcamPreview(size={size!r})\npreview"
CAMERA = """() => {
    const { videoWidth, videoHeight } = document.querySelector(".fer-webcam video");
    return [videoWidth, videoHeight];
}"""
STATE = (
    "import json, os; s = preview._session; d = list(s.delays_ms); s.delays_ms.clear()\n"
    "print(json.dumps([s.frames_seen, s._last_s, d, os.getpid()]))"
)


def memory_mb(pid: int) -> float:
    """Resident memory of a process in MB (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def measure(minutes: float, size: str, every_s: float = 10.0) -> dict:
    """Run the preview and return what was seen every `every_s` seconds, and over all."""
    rows, delays = [], []
    with tempfile.TemporaryDirectory() as folder:
        width, height = map(int, size.split("x"))
        clip = face_clip(Path(folder) / "face.mjpeg", size=(width, height))
        server = LabServer(Path(folder)).start()
        try:
            with chromium(clip, ["--use-fake-ui-for-media-stream"]) as browser:
                context = browser.new_context(viewport={"width": 1280, "height": 900})
                page = LabPage(context.new_page(), server)
                page.open(server.notebook("webcam.ipynb", [CELL.format(size=size)]))
                page.run_cell(0)
                page.press("Start")
                page.says("1 face")
                shown = page.page.evaluate(CAMERA)
                if shown != [width, height]:
                    raise SystemExit(f"the camera gives {shown}, not {size}")
                page.page.wait_for_timeout(10_000)  # caches are warm and the ballast is chosen
                frames, at, _, pid = json.loads(page.ask(STATE))
                for _ in range(max(1, round(60 * minutes / every_s))):
                    page.page.wait_for_timeout(1000 * every_s)
                    seen, now, some, pid = json.loads(page.ask(STATE))
                    rows.append(
                        {
                            "fps": round((seen - frames) / (now - at), 2),
                            "delay_ms_median": round(float(np.median(some)), 1),
                            "delay_ms_p95": round(float(np.percentile(some, 95)), 1),
                            "kernel_mb": round(memory_mb(pid), 1),
                            "load": os.getloadavg()[0],
                        }
                    )
                    print(rows[-1], flush=True)
                    frames, at = seen, now
                    delays += some
        finally:
            server.stop()
    return {
        "size": size,
        "minutes": minutes,
        "cpus": os.cpu_count(),
        "machine": platform.machine(),
        "frames": len(delays),
        "fps": round(len(delays) / (len(rows) * every_s), 2),
        "delay_ms_median": round(float(np.median(delays)), 1),
        "delay_ms_p95": round(float(np.percentile(delays, 95)), 1),
        "kernel_mb_first": rows[0]["kernel_mb"],
        "kernel_mb_last": rows[-1]["kernel_mb"],
        "kernel_mb_most": max(row["kernel_mb"] for row in rows),
        "load_mean": round(float(np.mean([row["load"] for row in rows])), 2),
        "rows": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--size", default="640x480")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    result = measure(chosen.minutes, chosen.size)
    print(json.dumps({k: v for k, v in result.items() if k != "rows"}, indent=1))
    if chosen.out:
        chosen.out.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
