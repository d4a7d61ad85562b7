"""Progress on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fer_nb.errors import FerError
from fer_nb.media import VideoReader


@contextmanager
def video_bar(video: str | Path, what: str = "") -> Iterator[Callable[[float], None]]:
    """Yield a function that moves a bar to a time of the video, in seconds."""
    from tqdm import tqdm

    try:
        with VideoReader(video) as reader:
            total = round(reader.info.duration_s, 1) or None
    except FerError:
        total = None  # the analysis will say what is wrong
    form = "{desc}: {percentage:3.0f}%|{bar}| {n:.1f} of {total:.1f} s [{elapsed}<{remaining}]"
    with tqdm(
        total=total,
        desc=f"{what} {Path(video).name}".strip(),
        bar_format=form if total else None,
        mininterval=0.2,
        leave=total is not None,
        disable=None,  # where nobody looks
    ) as bar:

        def advance(time_s: float) -> None:
            bar.update(max(0.0, min(time_s, total or time_s) - bar.n))

        yield advance
        advance(total or 0.0)


@contextmanager
def recordings_bar() -> Iterator[Callable[..., None]]:
    """Yield a function that moves a bar to a number of recordings out of all; given the name of the
    last one, and what it failed by, it shows them, too."""
    from tqdm import tqdm

    failed = 0
    with tqdm(unit="recording", desc="recordings", leave=False, disable=None) as bar:

        def advance(done: int, total: int, name: str = "", error: str = "") -> None:
            nonlocal failed
            bar.total = total
            if error:
                failed += 1
                if not bar.disable:  # else it is told in the end only
                    bar.write(f"{name} failed: {error}", file=sys.stderr)
            if name:
                bar.set_postfix_str(f"{failed} failed, last: {name}", refresh=False)
            bar.update(done - bar.n)

        yield advance
