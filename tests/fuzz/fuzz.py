"""Reads damaged files: none may crash, hang, fill the memory, or raise what is not a FerError.

    python tests/fuzz/fuzz.py --count 2000

Each kind of file is read in a process of its own, with a limit of memory and of time per file. Case
number i of a seed file is always damaged in the same way; what was found lies in build/fuzz.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from importlib import resources
from pathlib import Path

KINDS = ("video", "picture", "table", "manifest", "model")
MEMORY = 4 * 1024**3  # of addresses, of which libraries reserve more than they use
LIMIT_S = 30.0  # for one file; and as much again for the start of a process
_WORDS = [
    *(b"inf", b"-inf", b"nan", b"1e999", b"-1", b"0", b"99999999999999999999", b"null", b"true"),
    *(b"[]", b"{}", b'""', b"\x00", b"\xff\xfe", b"../../x", b"=1+1", b"a" * 5000, b"[" * 3000),
]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return a file's content with one to three kinds of damage."""
    for _ in range(rng.randint(1, 3)):
        data = _damaged(data, rng) or b"x"
    return data


def _damaged(data: bytes, rng: random.Random) -> bytes:
    a, b = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    b = min(b, a + rng.choice((1, 4, 64, 4096)))
    before, part, after = data[:a], data[a:b], data[b:]
    instead = rng.choice(
        (
            lambda: rng.randbytes(len(part)) + after,
            lambda: bytes(x ^ 1 << rng.randrange(8) for x in part) + after,
            lambda: bytes(len(part)) + after,
            lambda: after,
            lambda: b"",
            lambda: part * rng.choice((2, 3, 50)) + after,
            lambda: rng.choice(_WORDS) + after,
        )
    )
    return before + instead()


def make_seeds(folder: Path) -> None:
    """Write whole files of each kind."""
    import numpy as np
    import skimage
    from PIL import Image

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from clips import encode

    from fer_nb.reactions import analyze_frames
    from fer_nb.tables import write_table

    for kind in KINDS:
        (folder / kind).mkdir(parents=True)
    picture = skimage.data.astronaut()
    small = picture[:96, :128]
    for name, codec in (
        *(("a.mp4", "libx264"), ("b.mkv", "libx264"), ("c.webm", "libvpx"), ("d.avi", "mpeg4")),
        *(("e.ts", "libx264"), ("f.mpg", "mpeg2video"), ("g.mov", "mjpeg")),
    ):
        images = [np.roll(small, 2 * i, axis=1) for i in range(12)]
        encode(folder / "video" / name, codec, images=images)
    image = Image.fromarray(small)
    for name in ("a.jpg", "b.png", "c.webp", "d.tif", "e.gif", "f.bmp", "g.avif"):
        image.save(folder / "picture" / name)
    table = analyze_frames([(i / 10, picture) for i in range(5)])
    for name in ("a.csv", "b.parquet"):
        write_table(table, folder / "table" / name)
    manifest = folder / "manifest"
    (manifest / "m.csv").write_text(
        "respondent,stimulus,video,start_s,baseline_start_s,baseline_end_s,group\n"
        'ann,film,a.mp4,1.5,0,1,x\nbob,"film",b.mp4,0,,,y\n'
    )
    (manifest / "stimuli.csv").write_text(
        "stimulus,duration_s,title,scenes\n"
        'film,20,The film,"[{""name"": ""joke"", ""start_s"": 3, ""end_s"": 9}]"\n'
    )
    for file in (resources.files("fer_nb") / "models" / "compact").iterdir():
        if file.name.endswith((".json", ".onnx")):
            (folder / "model" / file.name).write_bytes(file.read_bytes())


def read(kind: str, path: Path) -> None:
    """Read a file as the package does."""
    if kind == "video":
        from fer_nb.media import VideoReader

        with VideoReader(path) as video:
            for frame, _ in zip(video, range(200), strict=False):
                assert frame.image.shape[:2] == frame.luma.shape
            video.frame_at(0.3)
    elif kind == "picture":
        from fer_nb.media import read_image

        read_image(path)
    elif kind == "table":
        from fer_nb.tables import read_table

        read_table(path.with_suffix("") if path.suffix == ".json" else path)
    elif kind == "manifest":
        from fer_nb.study.manifest import read_manifest

        read_manifest(path.parent / "m.csv", need_videos=False)
    else:
        from fer_nb.models import load_model

        load_model(path.parent)


def work(kind: str, seeds: Path, first: int, last: int) -> None:
    """Read cases; say before each which it is, and after it what came of it."""
    from fer_nb.errors import FerError

    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    files = sorted(path for path in (seeds / kind).iterdir() if path.suffix != ".onnx")
    with tempfile.TemporaryDirectory() as folder:
        for case in range(first, last):
            seed = files[case % len(files)]
            for other in (seeds / kind).iterdir():  # what belongs to it
                (Path(folder) / other.name).unlink(missing_ok=True)
                os.link(other, Path(folder) / other.name)
            path = Path(folder) / seed.name
            path.unlink()
            path.write_bytes(mutated(seed.read_bytes(), random.Random(f"{kind}{case}")))
            print(json.dumps({"case": case, "file": str(path)}), flush=True)
            try:
                read(kind, path)
                said = "read"
            except FerError:
                said = "refused"
            except Exception as error:
                said = f"{type(error).__name__}: {error}"[:300]
            print(json.dumps({"case": case, "said": said}), flush=True)


def run_kind(kind: str, seeds: Path, count: int, keep: Path) -> tuple[dict[str, int], list[str]]:
    """Read `count` damaged files; return how many were read and refused, and what was found."""
    tally, found, case = {"read": 0, "refused": 0}, [], 0
    while case < count:
        command = [sys.executable, __file__, "--work", kind, str(seeds), str(case), str(count)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
            timer, said, told = None, None, case - 1

            def watch(seconds=LIMIT_S, run=run):
                timer = threading.Timer(seconds, run.kill)
                timer.start()
                return timer

            timer = watch(2 * LIMIT_S)
            for line in run.stdout:
                timer.cancel()
                timer, answer = watch(), json.loads(line)
                said = answer.get("said")
                told = answer["case"]
                if said in tally:
                    tally[said] += 1
                elif said is not None:
                    found.append(_kept(kind, seeds, told, said, keep))
            timer.cancel()
        if run.returncode:  # it died, or was killed, on the case that it began last
            told = max(told, case)
            how = "hung" if run.returncode == -9 else f"died ({run.returncode})"
            found.append(_kept(kind, seeds, told, how, keep))
        case = told + 1
    return tally, found


def _kept(kind: str, seeds: Path, case: int, said: str, keep: Path) -> str:
    files = sorted(path for path in (seeds / kind).iterdir() if path.suffix != ".onnx")
    seed = files[case % len(files)]
    keep.mkdir(parents=True, exist_ok=True)
    out = keep / f"{kind}-{case}-{seed.name}"
    out.write_bytes(mutated(seed.read_bytes(), random.Random(f"{kind}{case}")))
    return f"{out}: {said}"


def fuzz(count: int, keep: Path) -> tuple[dict[str, dict[str, int]], list[str]]:
    """Read `count` files of all kinds together; return what became of each kind's, and findings."""
    tallies, found = {}, []
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder) / "seeds"
        make_seeds(seeds)
        for kind in KINDS:
            tallies[kind], more = run_kind(kind, seeds, -(-count // len(KINDS)), keep)
            found += more
    return tallies, found


def main() -> None:
    if sys.argv[1:2] == ["--work"]:
        kind, seeds, first, last = sys.argv[2:]
        work(kind, Path(seeds), int(first), int(last))
        return
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=2000, help="files in all")
    parser.add_argument("--keep", type=Path, default=Path("build/fuzz"), help="where findings go")
    chosen = parser.parse_args()
    tallies, found = fuzz(chosen.count, chosen.keep)
    for kind, tally in tallies.items():
        print(kind, *(f"{name} {number}" for name, number in tally.items()))
    print(f"{len(found)} findings", *found, sep="\n")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
