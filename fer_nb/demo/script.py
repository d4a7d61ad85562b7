"""What the trailer shows, who watches it, and what each face does when: the known truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_nb.demo.drawing.warp import smoothstep

STIMULUS = "cloud-nine"
TITLE = "Cloud Nine (synthetic demo trailer)"
DURATION_S = 20.0
TRUTH_RATE_HZ = 10.0
NOTE = "synthetic demo"


@dataclass(frozen=True)
class Scene:
    """A part of the trailer, in seconds of its own clock."""

    name: str
    start_s: float
    end_s: float


SCENES = (
    Scene("Calm opening", 0.0, 6.0),
    Scene("The joke", 6.0, 10.0),
    Scene("The storm", 10.0, 15.0),
    Scene("Happy ending", 15.0, 20.0),
)


@dataclass(frozen=True)
class Viewer:
    """One synthetic recording: when its stimulus starts, how the camera stamps, what goes wrong.

    Attributes
    ----------
    start_s : float
        Time in the recording at which the trailer begins.
    strength, latency_s : float
        How strongly, and how late, this person reacts.
    jitter : float
        Spread of the frame intervals as a share of their mean; 0 is a constant rate.
    first_stamp_s : float
        Presentation time of the first frame in the file.
    away : tuple of float, optional
        From when to when, on the trailer's clock, the person is out of the frame.
    dark : bool
        The recording is too dark to be used.
    """

    respondent: str
    start_s: float
    strength: float = 1.0
    latency_s: float = 0.4
    jitter: float = 0.0
    first_stamp_s: float = 0.0
    away: tuple[float, float] | None = None
    dark: bool = False

    @property
    def duration_s(self) -> float:
        """Length of the recording."""
        return self.start_s + DURATION_S + 1.0


VIEWERS = (
    Viewer("R01", start_s=2.0, strength=1.0, latency_s=0.30),
    Viewer("R02", start_s=2.6, strength=0.95, latency_s=0.50, jitter=0.25),
    Viewer("R03", start_s=2.2, strength=0.90, latency_s=0.45),
    Viewer("R04", start_s=3.1, strength=1.0, latency_s=0.60, away=(2.4, 5.4)),
    Viewer("R05", start_s=2.4, strength=0.85, latency_s=0.35, jitter=0.3, first_stamp_s=0.84),
    Viewer("R06", start_s=2.0, strength=0.95, latency_s=0.50, dark=True),
)

# (action, from, until, strength) on the trailer's clock, before latency.
_REACTIONS = (
    ("surprise", 6.9, 7.3, 0.35),
    ("smile", 7.1, 9.6, 1.0),
    ("surprise", 10.6, 11.7, 1.0),
    ("frown", 11.7, 14.8, 1.0),
    ("smile", 15.9, 20.6, 0.95),
)
_RISE_S, _FALL_S = 0.5, 0.7


def expression(viewer: Viewer, stimulus_s, seed: int = 0) -> dict[str, np.ndarray]:
    """What a viewer's face does at given times of the trailer.

    Parameters
    ----------
    viewer : Viewer
        Whose face.
    stimulus_s : array_like
        Seconds on the trailer's clock; negative before it begins.
    seed : int
        Varies latency and strength from reaction to reaction.

    Returns
    -------
    dict of arrays
        ``smile``, ``frown``, ``surprise``, each 0 to 1.
    """
    time = np.asarray(stimulus_s, dtype=float)
    rng = np.random.default_rng([seed, _number(viewer), 1])
    curves = {name: np.zeros_like(time) for name in ("smile", "frown", "surprise")}
    for action, begin, end, amount in _REACTIONS:
        late = viewer.latency_s + rng.uniform(-0.1, 0.15)
        strength = amount * viewer.strength * rng.uniform(0.9, 1.0)
        curves[action] += strength * _bump(time - late, begin, end)
    return {name: np.clip(curve, 0.0, 1.0) for name, curve in curves.items()}


def _bump(time, begin, end):
    return smoothstep((time - begin) / _RISE_S) * smoothstep((end + _FALL_S - time) / _FALL_S)


def _number(viewer: Viewer) -> int:
    return int(viewer.respondent[1:])


def absence(viewer: Viewer, stimulus_s) -> np.ndarray:
    """How far out of the frame the viewer is: 0 in place, 1 gone."""
    time = np.asarray(stimulus_s, dtype=float)
    if viewer.away is None:
        return np.zeros_like(time)
    return _bump(time, *viewer.away)


def truth(seed: int = 0) -> pd.DataFrame:
    """The intended expression of every viewer, one row per respondent and tenth of a second.

    Returns
    -------
    DataFrame
        ``respondent, stimulus, video, time_s`` (from the recording's first frame), ``stimulus_s,
        smile, frown, surprise`` (0 to 1), ``valence`` (-1 to 1), ``visible`` (the face is in the
        frame), ``usable`` (the recording is good enough), ``note``.
    """
    tables = []
    for viewer in VIEWERS:
        time = np.arange(0.0, viewer.duration_s - 1e-9, 1 / TRUTH_RATE_HZ).round(6)
        stimulus_s = (time - viewer.start_s).round(6)
        curves = expression(viewer, stimulus_s, seed)
        columns = {
            "respondent": viewer.respondent,
            "stimulus": STIMULUS,
            "video": f"{viewer.respondent}.mp4",
            "time_s": time,
            "stimulus_s": stimulus_s,
            **curves,
            # Surprise by itself is neither pleasant nor unpleasant.
            "valence": np.clip(curves["smile"] - curves["frown"], -1.0, 1.0),
            "visible": absence(viewer, stimulus_s) < 0.4,
            "usable": not viewer.dark,
            "note": NOTE,
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def frame_times(viewer: Viewer, fps: float, seed: int = 0) -> np.ndarray:
    """Time stamps of a recording's frames, seconds from the first one.

    A webcam with jitter delivers frames at uneven intervals and drops some.
    """
    count = int(viewer.duration_s * fps)
    if not viewer.jitter:
        return np.arange(count) / fps
    rng = np.random.default_rng([seed, _number(viewer), 2])
    steps = np.exp(rng.normal(0.0, viewer.jitter, count))
    steps += rng.random(count) < 0.03  # a dropped frame doubles the interval
    times = np.concatenate([[0.0], np.cumsum(steps / steps.mean() / fps)])
    return times[:-1].round(4)
