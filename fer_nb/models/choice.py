"""Whether this machine is fast enough for a network; `load_model("auto")` asks."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from functools import partial

import numpy as np

from fer_nb.errors import FerError
from fer_nb.files import new_file
from fer_nb.models.protocol import Model
from fer_nb.weights import cache_folder

# Milliseconds a face. A video of 30 frames a second at three times real time leaves 11 ms a frame,
# of which decoding, finding and tracking take about 6. A live answer is due within 40 ms, and needs
# some for the way from the camera and back.
VIDEO_MS, LIVE_MS = 5.0, 10.0


def fast_enough(model: Model, live: bool = False) -> bool:
    """Tell whether this machine is fast enough for a model.

    Its time is measured once and kept in the cache folder, so that a machine does not change its
    mind between two recordings of one study.

    Parameters
    ----------
    model : Model
        One that tells its `sha256`.
    live : bool
        Whether faces come one by one, from a camera, instead of in batches.
    """
    kind = "one" if live else "batch"
    digest = str(getattr(model, "sha256", ""))
    file = cache_folder() / f"speed-{digest[:12]}-{kind}.json"
    try:
        took_ms = float(json.loads(file.read_text())["ms_a_face"])
    except (OSError, ValueError, KeyError, TypeError):
        took_ms = milliseconds(model, 1 if live else 16)
        # Where nothing can be kept, the time is measured again the next time: a moment's work.
        with suppress(OSError, FerError):
            file.parent.mkdir(parents=True, exist_ok=True)
            with new_file(file, force=True) as part:
                part.write_text(json.dumps({"ms_a_face": round(took_ms, 3)}) + "\n")
    return took_ms <= (LIVE_MS if live else VIDEO_MS)


def milliseconds(model: Model, batch: int, repeats: int = 5) -> float:
    """Return the milliseconds a model takes per face, in batches: the best of several, warm."""
    faces = list(np.random.default_rng(0).integers(0, 256, (batch, 120, 120, 3), np.uint8))
    read = partial(model.predict_batch, faces)
    read()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        read()
        times.append(time.perf_counter() - start)
    return 1000 * min(times) / batch
