"""Simulated audiences whose truth is known: for tests, error rates and a notebook without data.

Each simulated person has a resting expression of their own, moods that drift over seconds (an
Ornstein-Uhlenbeck process per emotion), a strength of response that differs between people (some
do not respond at all), and stretches in which no face is seen. Probabilities come from a softmax,
so they are skewed, bounded and dependent between emotions, as a classifier's are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.signal import lfilter
from scipy.special import expit

from fer_nb.emotions import EMOTIONS, expected_valence_arousal
from fer_nb.person import Person, holds, rest_of
from fer_nb.study.collect import Recording
from fer_nb.study.config import StudyConfig
from fer_nb.study.curves import Audience, bin_recording
from fer_nb.study.study import gather

# Log-odds at rest: mostly neutral, as watching faces are.
_REST = np.array([-1.0, -1.6, -1.6, -1.6, -0.4, 2.2, -0.8, -1.0, -0.6])


@dataclass(frozen=True)
class Event:
    """A moment of the stimulus that moves one emotion by `size` log-odds (on average)."""

    emotion: str
    start_s: float
    end_s: float
    size: float


@dataclass(frozen=True)
class People:
    """How simulated people differ. Spreads are log-odds (`person_sd`, `drift_sd`) or shares."""

    person_sd: float = 0.7
    drift_sd: float = 0.8
    drift_tau_s: float = 1.5
    responders: float = 0.75
    missing: float = 0.1
    leave: float = 0.05
    jitter_s: float = 0.3


def simulate_probabilities(
    n: int,
    duration_s: float,
    rate_hz: float,
    rng: np.random.Generator,
    *,
    events: tuple[Event, ...] = (),
    before_s: float = 5.0,
    people: People | None = None,
    missing: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Simulate the probabilities of nine emotions for n people.

    Returns
    -------
    times : array (T,)
        Bin centres in seconds; negative before the stimulus.
    probs : array (n, 9, T)
        NaN where the person's face is not seen.
    """
    people = people or People()
    steps = round((duration_s + before_s) * rate_hz)
    times = (np.arange(steps) + 0.5) / rate_hz - before_s
    rest = _REST[:, None] + people.person_sd * rng.standard_normal((n, 9, 1))
    phi = np.exp(-1 / (rate_hz * people.drift_tau_s))
    noise = rng.standard_normal((n, 9, steps))
    noise[..., 1:] *= np.sqrt(1 - phi**2)
    drift = lfilter([1.0], [1.0, -phi], noise, axis=-1)
    liveliness = people.drift_sd * np.exp(0.3 * rng.standard_normal((n, 1, 1)))
    logits = rest + liveliness * drift
    for event in events:
        responds = rng.random(n) < people.responders
        strength = responds * rng.gamma(4.0, 0.25, n) * event.size / people.responders
        late = rng.uniform(0, people.jitter_s, n)[:, None] if people.jitter_s else 0.0
        rise = expit((times - event.start_s - late) / 0.15)
        fall = expit((times - event.end_s - late) / 0.4)
        logits[:, EMOTIONS.index(event.emotion)] += strength[:, None] * rise * (1 - fall)
    logits -= logits.max(axis=1, keepdims=True)
    probs = np.exp(logits)
    probs /= probs.sum(axis=1, keepdims=True)
    if missing:
        gone = _absences(n, steps, times, rate_hz, people, rng)
        probs = np.where(gone[:, None, :], np.nan, probs)
    return times, probs


def _absences(n, steps, times, rate_hz, people, rng):
    """(n, steps) of bool: a two-state Markov chain per person, and a few who leave for good."""
    share = people.missing * rng.uniform(0, 2, n)
    back = 1 / (1.5 * rate_hz)  # absences last 1.5 s on average
    away = np.minimum(back * share / np.maximum(1 - share, 0.05), 0.9)
    gone = np.zeros((n, steps), dtype=bool)
    state = np.zeros(n, dtype=bool)
    draws = rng.random((steps, n))
    for t in range(steps):
        state = np.where(state, draws[t] >= back, draws[t] < away) & (times[t] > 0)
        gone[:, t] = state
    leaves = np.where(rng.random(n) < people.leave, rng.uniform(0.3, 1, n), 2.0)
    return gone | (times > leaves[:, None] * times[-1])


def simulate_signals(*args, **options) -> tuple[np.ndarray, np.ndarray]:
    """As `simulate_probabilities`, with valence and arousal in front: (n, 11, T)."""
    times, probs = simulate_probabilities(*args, **options)
    n, _, steps = probs.shape
    flat = np.moveaxis(probs, 1, 2).reshape(-1, 9)
    ratings = np.full((len(flat), 2), np.nan)
    seen = ~np.isnan(flat[:, 0])
    ratings[seen] = expected_valence_arousal(flat[seen])
    ratings = ratings.reshape(n, steps, 2).transpose(0, 2, 1)  # type: ignore[assignment]
    return times, np.concatenate([ratings, probs], axis=1)


def simulate_audience(
    n: int,
    rng: np.random.Generator,
    *,
    events: tuple[Event, ...] = (),
    duration_s: float = 30.0,
    before_s: float = 5.0,
    people: People | None = None,
    missing: bool = True,
    config: StudyConfig | None = None,
) -> Audience:
    """Simulate the audience of one stimulus; see `simulate_probabilities` and `audience_of`."""
    config = config or StudyConfig()
    times, signals = simulate_signals(
        n,
        duration_s,
        config.rate_hz,
        rng,
        events=events,
        before_s=before_s,
        people=people,
        missing=missing,
    )
    return audience_of(times, signals, config, 0.0, duration_s, before_s)


def audience_of(
    times: np.ndarray,
    signals: np.ndarray,
    config: StudyConfig,
    start_s: float,
    duration_s: float,
    before_s: float,
) -> Audience:
    """Cut one stimulus out of simulated signals, in the way a study does with its recordings.

    Parameters
    ----------
    times, signals
        As `simulate_signals` returns them, at `config.rate_hz`.
    config : StudyConfig
    start_s, duration_s : float
        Where on the clock of `times` the stimulus begins, and how long it is.
    before_s : float
        The baseline is this long before `start_s`. Who is not seen in it for
        `config.baseline_min_s` is left out.
    """
    frame_s = times - 0.5 / config.rate_hz  # a frame stands for the time until the next
    edges = start_s + np.arange(round(duration_s * config.rate_hz) + 1) / config.rate_hz
    whole = start_s + np.arange(int(duration_s) + 1.0)
    options = {"min_coverage": config.min_bin_coverage}
    held_s = holds(frame_s, config.max_hold_s)
    unknown = np.full(len(times), np.nan)
    kept = []
    for i, values in enumerate(signals):
        person = Person(frame_s, held_s, values.T, *[unknown] * 7)  # type: ignore[arg-type]
        baseline = rest_of(person, start_s - before_s, start_s, config.rate_hz)
        if baseline.seconds < config.baseline_min_s:
            continue
        raw, coverage = bin_recording(person, edges, **options)
        seconds, _ = bin_recording(person, whole, **options)
        found = {"manifest": baseline}
        kept.append(Recording(str(i), "simulated", "", raw, coverage, seconds[2:], found))
    audiences, _ = gather(kept, config)
    people = audiences["simulated"]
    # Few people, whom one may want to change: their signals are arrays.
    return replace(people, corrected=people.corrected[:], tested=people.tested[:])


def simulate_table(
    signals: np.ndarray, rate_hz: float, fps: float, name: str, *, rng: np.random.Generator
) -> pd.DataFrame:
    """Turn one person's (11, T) signals into a reaction table at `fps` with jittered times.

    The table has the columns and `attrs` of `fer_nb.analyze_video`, and says that it is simulated.
    """
    steps = signals.shape[1]
    frames = int(steps / rate_hz * fps)
    time_s = (np.arange(frames) + 0.5) / fps + rng.uniform(-0.2, 0.2, frames) / fps
    values = signals[:, np.minimum((time_s * rate_hz).astype(int), steps - 1)].astype(np.float32)
    seen = ~np.isnan(values[0])
    probs = np.where(seen, values[2:], 0.0)
    emotion = np.where(seen, np.array(EMOTIONS, dtype=object)[probs.argmax(axis=0)], None)

    def measured(value, spread):
        noise = rng.normal(value, spread, frames)
        return np.where(seen, noise, np.nan).astype(np.float32)

    table = pd.DataFrame(
        {
            "frame": np.arange(frames, dtype=np.int64),
            "time_s": time_s,
            "face_id": pd.array(np.where(seen, 1, pd.NA), dtype="Int64"),
            "x": measured(220, 3),
            "y": measured(140, 3),
            "width": measured(150, 2),
            "height": measured(180, 2),
            "score": measured(0.93, 0.01),
            "emotion": pd.Categorical(emotion, categories=list(EMOTIONS)),
            **{f"p_{e}": values[2 + k] for k, e in enumerate(EMOTIONS)},
            "valence": values[0],
            "arousal": values[1],
            "brightness": rng.normal(120, 1, frames).astype(np.float32),
            "contrast": rng.normal(50, 1, frames).astype(np.float32),
            "yaw_ratio": measured(0.02, 0.04),
            "yaw": measured(2, 4),
            "pitch": measured(-3, 4),
            "roll": measured(1, 3),
        }
    )
    table.attrs = {
        "source": name,
        "sha256": None,
        "model": "simulated",
        "model_sha256": None,
        "package_version": None,
        "parameters": {"simulated": True, "fps": fps},
        "video": {
            "width": 640,
            "height": 480,
            "fps": fps,
            "duration_s": steps / rate_hz,
            "frames": frames,
            "start_pts_s": 0.0,
        },
        "warnings": [],
    }
    return table


def simulate_study(
    folder, respondents: int = 18, seed: int = 1
) -> tuple[Path, dict[str, pd.DataFrame]]:
    """Simulate a study of two trailers, to have something to look at where there are no videos.

    One recording is too dark, one is missing its second trailer, and some viewers leave. The tables
    say in their `attrs` that they are simulated.

    Parameters
    ----------
    folder : path
        `manifest.csv` and `stimuli.csv` are written there.
    respondents : int
    seed : int

    Returns
    -------
    manifest : Path
    tables : dict of str to DataFrame
        For `run_study(manifest, tables=tables)`.
    """
    rng = np.random.default_rng(seed)
    events = {
        "trailer-a": (Event("happy", 8, 12, 2.6), Event("surprise", 20, 22.5, 3.0)),
        "trailer-b": (Event("happy", 8, 12, 1.2), Event("fear", 17, 21, 2.8)),
    }
    scenes = {
        "trailer-a": [("opening", 0, 7), ("joke", 7, 14), ("twist", 14, 30)],
        "trailer-b": [("opening", 0, 7), ("joke", 7, 14), ("chase", 14, 30)],
    }
    lines, tables = ["respondent,stimulus,video,start_s"], {}
    for k, (stimulus, moments) in enumerate(events.items()):
        _, signals = simulate_signals(respondents, 30, 5, rng, events=moments)
        for i in range(respondents):
            if k == 1 and i == 5:
                continue
            name = f"{stimulus}/V{i + 1:02d}.mp4"
            tables[name] = simulate_table(signals[i], 5, 15, name, rng=rng)
            lines.append(f"V{i + 1:02d},{stimulus},{name},5")
    dark = tables["trailer-a/V03.mp4"]
    dark["brightness"] -= 100
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    stimuli = pd.DataFrame(
        {
            "stimulus": list(events),
            "duration_s": 30.0,
            "title": ["Trailer A (simulated)", "Trailer B (simulated)"],
            "scenes": [
                json.dumps([{"name": n, "start_s": a, "end_s": b} for n, a, b in scenes[s]])
                for s in events
            ],
        }
    )
    stimuli.to_csv(folder / "stimuli.csv", index=False)
    return manifest, tables


def simulate_guests(
    guests: int = 20, seed: int = 2
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Simulate clips of café guests coming in and leaving; they leave a little happier.

    Returns
    -------
    clips : DataFrame
        `video, phase, respondent`, for `fer_nb.study.run_mood`.
    tables : dict of str to DataFrame
        Reaction tables by `video`.
    """
    rng = np.random.default_rng(seed)
    # One long recording per guest, so that a guest keeps their own resting face; seen twice.
    happier = (Event("happy", 10, 20, 1.2),)
    _, signals = simulate_signals(guests, 16, 5, rng, events=happier, before_s=0.0)
    rows, tables = [], {}
    for i in range(guests):
        for phase, part in (("before", slice(0, 30)), ("after", slice(50, 80))):
            video = f"{phase}/guest-{i + 1:02d}.mp4"
            tables[video] = simulate_table(signals[i, :, part], 5, 15, video, rng=rng)
            rows.append({"video": video, "phase": phase, "respondent": f"guest-{i + 1:02d}"})
    return pd.DataFrame(rows), tables
