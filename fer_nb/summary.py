"""One recording in numbers: who the respondent is, how usable it is, its curves and moments."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fer_nb.emotions import EMOTIONS, PROBABILITY_COLUMNS

SIGNALS = ("valence", "arousal", *PROBABILITY_COLUMNS)

# When a recording is usable: defaults of `fer_nb.study.StudyConfig`, which says what each means.
LIMITS = {
    "max_hold_s": 0.5,
    "min_face_share": 0.4,
    "max_gap_s": 30.0,
    "min_fps": 5.0,
    "min_brightness": 40.0,
    "min_contrast": 8.0,
    "min_face_px": 40.0,
    "max_off_frontal_share": 0.5,
    "off_frontal_yaw": 0.35,
    "max_other_face_share": 0.5,
}
_SHORTCOMINGS = (
    ("brightness", "min_brightness", "too dark (brightness {:.0f}, least {:g})"),
    ("contrast", "min_contrast", "too flat (contrast {:.1f}, least {:g})"),
    ("face_share", "min_face_share", "face seen in {:.0%} of the time, least {:.0%}"),
    ("longest_gap_s", "max_gap_s", "a gap of {:.0f} s without a face, at most {:g} s"),
    ("effective_fps", "min_fps", "{:.1f} frames per second, least {:g}"),
    ("face_px", "min_face_px", "face {:.0f} px wide, least {:g}"),
    (
        "off_frontal_share",
        "max_off_frontal_share",
        "head turned away in {:.0%} of the frames, at most {:.0%}",
    ),
    (
        "other_face_share",
        "max_other_face_share",
        "a second face in {:.0%} of the frames, at most {:.0%}",
    ),
)

# A face that only appears while the main one is gone, of like size and place, is the same person:
# at most so many times the area, so many widths away, beside it in so few of its frames.
_SAME_AREA, _SAME_PLACE, _OVERLAP = 2.5, 1.0, 0.02


def main_person(table: pd.DataFrame) -> int | None:
    """Return the `face_id` of the respondent: who fills most of the picture for most of the time.

    None if no face was found at all.
    """
    seen = table[table["face_id"].notna()]
    if seen.empty:
        return None
    presence = (seen["width"] * seen["height"]).groupby(seen["face_id"]).sum()
    return int(presence.idxmax())


def same_person(table: pd.DataFrame, person: int) -> list[int]:
    """Return the `face_id`s that are taken for one person: `person` first.

    Whoever leaves the picture for long comes back under another number. A face that is only there
    while `person` is away, at a like size and place, is taken for the same.
    """
    seen = table.loc[table["face_id"].notna(), ["frame", "face_id", "x", "y", "width", "height"]]
    faces = dict(list(seen.groupby("face_id")))
    main = faces.pop(person, None)
    if main is None or not faces:
        return [person]

    def usual(rows: pd.DataFrame) -> tuple[float, np.ndarray, float]:
        corner, size = rows[["x", "y"]].to_numpy(float), rows[["width", "height"]].to_numpy(float)
        return np.median(size.prod(1)), np.median(corner + size / 2, axis=0), np.median(size[:, 0])

    area, centre, width = usual(main)
    joined, taken = [person], set(main["frame"])
    for identity, rows in sorted(faces.items(), key=lambda item: -len(item[1])):
        other_area, other_centre, _ = usual(rows)
        if (
            rows["frame"].isin(taken).mean() <= _OVERLAP
            and 1 / _SAME_AREA < other_area / area < _SAME_AREA
            and np.hypot(*(other_centre - centre)) <= _SAME_PLACE * width
        ):
            joined.append(int(identity))
            taken |= set(rows["frame"])
    return joined


def person_rows(table: pd.DataFrame, person: int | None) -> pd.DataFrame:
    """Return one row per analysed frame: the person's, or one without measurement.

    Faces that `same_person` takes for this one count as this one, under the number `person`.
    """
    frames = table.drop_duplicates("frame")
    own = table.iloc[:0]
    if person is not None:
        parts = [table[table["face_id"] == identity] for identity in same_person(table, person)]
        own = pd.concat(parts).drop_duplicates("frame").copy()
        own["face_id"] = person
    absent = frames[~frames["frame"].isin(own["frame"])].copy()
    absent["face_id"] = pd.NA
    absent["emotion"] = pd.Categorical([None] * len(absent), categories=list(EMOTIONS))
    absent[["x", "y", "width", "height", "score", "yaw_ratio", *SIGNALS]] = np.nan
    rows = pd.concat([own, absent]).sort_values("frame", ignore_index=True)
    rows.attrs = table.attrs
    return rows


def holds(time_s: np.ndarray, max_hold_s: float) -> np.ndarray:
    """Return the seconds that each frame stands for: until the next, at most `max_hold_s`.

    The last stands for as long as is usual.
    """
    step = np.diff(time_s)
    usual = np.median(step) if len(step) else max_hold_s
    return np.minimum(np.append(step, usual), max_hold_s)


def measure_frames(
    frames: pd.DataFrame, begin_s: float, duration_s: float, limits: Mapping = LIMITS
) -> dict:
    """Measure how well a stretch of a recording shows the respondent.

    Parameters
    ----------
    frames : DataFrame
        One row per analysed frame: ``time_s``, ``seen`` (the respondent's face was measured),
        ``n_faces``, ``width``, ``yaw_ratio``, ``brightness``, ``contrast``.
    begin_s, duration_s : float
        The stretch, on the recording's clock.
    limits : mapping
        ``max_hold_s`` and ``off_frontal_yaw`` of `LIMITS`.

    Returns
    -------
    dict
        ``face_share`` (of the time, with the face), ``longest_gap_s`` (longest time without it
        before it is seen last), ``last_seen_s`` and ``recorded_s`` (from `begin_s`),
        ``effective_fps``, ``jitter_ms`` (SD of the time between frames), ``brightness``,
        ``contrast`` and ``face_px`` (medians), ``off_frontal_share`` (of the frames with the face)
        and ``other_face_share`` (of the frames, with a second face). NaN where nothing was
        measured.
    """
    t = frames["time_s"].to_numpy(dtype=float) - begin_s
    seen = frames["seen"].to_numpy(dtype=bool)
    held = np.minimum(t + holds(t, limits["max_hold_s"]), duration_s) - np.maximum(t, 0)
    inside = (t >= 0) & (t < duration_s)
    share = held[seen & (held > 0)].sum() / duration_s if duration_s > 0 else 0.0
    frames, t, seen = frames[inside], t[inside], seen[inside]
    step = np.diff(t)
    yaw = frames["yaw_ratio"][seen].abs().dropna()
    return {
        "face_share": float(share),
        "longest_gap_s": float(np.diff([t[0], *t[seen]]).max()) if seen.any() else np.nan,
        "last_seen_s": float(t[seen][-1]) if seen.any() else np.nan,
        "recorded_s": float(t[-1] + (np.median(step) if len(step) else 0.0)) if len(t) else 0.0,
        "effective_fps": float(len(step) / (t[-1] - t[0])) if len(step) else 0.0,
        "jitter_ms": float(np.std(step) * 1000) if len(step) else np.nan,
        "brightness": float(frames["brightness"].median()),
        "contrast": float(frames["contrast"].median()),
        "face_px": float(frames["width"].median()),
        "off_frontal_share": float((yaw > limits["off_frontal_yaw"]).mean()),
        "other_face_share": float((frames["n_faces"] > 1).mean()),
    }


def shortcomings(measured: Mapping, limits: Mapping = LIMITS) -> list[str]:
    """Return which limits a recording does not keep, in words; none makes it usable."""
    return [
        text.format(measured[name], limits[limit])
        for name, limit, text in _SHORTCOMINGS
        if (
            measured[name] < limits[limit]
            if limit.startswith("min")
            else measured[name] > limits[limit]
        )
    ]


def recording_quality(table: pd.DataFrame, person: int | None = None) -> dict:
    """Return how usable a recording is, judged over all of it as a study judges it by default.

    Parameters
    ----------
    table : DataFrame
        A reaction table.
    person : int, optional
        The respondent; found by `main_person` if not given.

    Returns
    -------
    dict
        What `measure_frames` returns, but ``longest_gap_s`` also counts the time after the
        respondent was seen last; ``frames``, ``duration_s``, ``other_faces_share``, ``usable`` and
        ``reasons`` (which of `LIMITS` it does not keep).
    """
    if person is None:
        person = main_person(table)
    rows = person_rows(table, person)
    frames = rows.assign(
        seen=rows["face_id"].notna(),
        n_faces=table.groupby("frame")["face_id"].count().to_numpy(),
    )
    times = rows["time_s"].to_numpy(dtype=float)
    usual = np.median(np.diff(times)) if len(times) > 1 else LIMITS["max_hold_s"]
    begin, span = (times[0], float(times[-1] - times[0] + usual)) if len(times) else (0.0, 0.0)
    measured = measure_frames(frames, begin, span)
    reasons = shortcomings(measured)
    never = np.isnan(measured["last_seen_s"])
    longest = span if never else max(measured["longest_gap_s"], span - measured["last_seen_s"])
    return measured | {
        "frames": len(rows),
        "duration_s": span,
        "longest_gap_s": longest,
        "other_faces_share": measured["other_face_share"],
        "usable": not reasons,
        "reasons": reasons,
    }


def smoothed(rows: pd.DataFrame, window_s: float = 1.0) -> pd.DataFrame:
    """Return the curves of one person as centred moving averages over time.

    Parameters
    ----------
    rows : DataFrame
        From `person_rows`.
    window_s : float
        Width of the window in seconds. 0 gives the raw values.

    Returns
    -------
    DataFrame
        Indexed by ``time_s``, with valence, arousal and the nine probabilities. A frame without a
        face stays missing, and a window is averaged over the frames that have one.
    """
    times = rows["time_s"].to_numpy()
    values = rows[list(SIGNALS)].to_numpy(dtype=float)
    out = values.copy()
    if window_s > 0 and len(rows):
        present = ~np.isnan(values)
        zero = np.zeros((1, values.shape[1]))
        total = np.vstack([zero, np.cumsum(np.where(present, values, 0.0), axis=0)])
        count = np.vstack([zero, np.cumsum(present, axis=0)])
        first = np.searchsorted(times, times - window_s / 2 - 1e-9)
        last = np.searchsorted(times, times + window_s / 2 + 1e-9)
        with np.errstate(invalid="ignore", divide="ignore"):
            out = (total[last] - total[first]) / (count[last] - count[first])
        out[~present] = np.nan
    return pd.DataFrame(out, columns=list(SIGNALS), index=pd.Index(times, name="time_s"))


def strongest_moments(
    curves: pd.DataFrame, count: int = 5, apart_s: float = 2.0, least: float = 0.1
) -> pd.DataFrame:
    """Find where a person's expression departs most from how it usually is.

    Peaks of each emotion's smoothed probability above its median over the recording, neutral and
    uncertain aside, strongest first, none within `apart_s` of a stronger one.

    Parameters
    ----------
    curves : DataFrame
        From `smoothed`.
    count : int
        How many at most.
    apart_s : float
        Least distance in time.
    least : float
        Least rise in probability.

    Returns
    -------
    DataFrame
        Columns ``time_s, emotion, rise, probability, valence, arousal``; in order of time.
    """
    from scipy.signal import find_peaks

    found = []
    for name in EMOTIONS:
        if name in ("neutral", "uncertain"):
            continue
        curve = curves[f"p_{name}"].dropna()
        if curve.empty:
            continue
        rise = (curve - curve.median()).to_numpy()
        # With a low value on either side a rise that begins or ends the recording is a peak, too.
        peaks, _ = find_peaks(np.concatenate([[-1], rise, [-1]]), height=least, prominence=least)
        found += [(float(rise[i - 1]), name, float(curve.index[i - 1])) for i in peaks]
    chosen: list[dict] = []
    for rise, name, time_s in sorted(found, reverse=True):
        if len(chosen) == count:
            break
        if all(abs(time_s - other["time_s"]) >= apart_s for other in chosen):
            at = curves.loc[time_s]
            at = at.iloc[0] if isinstance(at, pd.DataFrame) else at
            chosen.append(
                {
                    "time_s": time_s,
                    "emotion": name,
                    "rise": rise,
                    "probability": float(at[f"p_{name}"]),
                    "valence": float(at["valence"]),
                    "arousal": float(at["arousal"]),
                }
            )
    columns = ["time_s", "emotion", "rise", "probability", "valence", "arousal"]
    return pd.DataFrame(chosen, columns=columns).sort_values("time_s", ignore_index=True)


def headline(rows: pd.DataFrame, curves: pd.DataFrame) -> dict:
    """Return the key figures of one person's recording.

    Means weigh each frame by the time it stands for, since frame rates vary. ``peak_valence`` and
    ``low_valence`` are the extremes of the smoothed curve, with their times.
    """
    times = rows["time_s"].to_numpy()
    stands = np.gradient(times) if len(times) > 1 else np.ones(len(times))
    seen = rows["face_id"].notna().to_numpy()
    if not seen.any():
        return {"measured_s": 0.0}
    weights = stands[seen]
    means = np.average(rows.loc[seen, list(SIGNALS)].to_numpy(float), axis=0, weights=weights)
    shares = rows[seen].groupby("emotion", observed=False).size() / seen.sum()
    valence = curves["valence"].dropna()
    return {
        "measured_s": float(weights.sum()),
        "mean_valence": float(means[0]),
        "mean_arousal": float(means[1]),
        "peak_valence": float(valence.max()),
        "peak_valence_s": float(valence.idxmax()),
        "low_valence": float(valence.min()),
        "low_valence_s": float(valence.idxmin()),
        "dominant": str(shares.idxmax()),
        "dominant_share": float(shares.max()),
        "means": dict(zip(SIGNALS, means.tolist(), strict=True)),
    }


def time_code(seconds: float) -> str:
    """Return seconds as minutes, seconds and tenths.

    Examples
    --------
    >>> time_code(83.24)
    '1:23.2'
    """
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"
