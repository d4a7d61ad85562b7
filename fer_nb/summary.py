"""One recording in numbers: who the respondent is, how usable it is, its curves and moments."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from fer_nb.emotions import EMOTIONS, PROBABILITY_COLUMNS

SIGNALS = ("valence", "arousal", *PROBABILITY_COLUMNS)

# Below these a single recording is called unusable; the report names the one it fell under.
LIMITS = {
    "face_share": 0.5,
    "brightness": 40.0,
    "face_px": 40.0,
    "effective_fps": 5.0,
}

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


def recording_quality(table: pd.DataFrame, person: int | None = None) -> dict:
    """Return how usable a recording is.

    Parameters
    ----------
    table : DataFrame
        A reaction table.
    person : int, optional
        The respondent; found by `main_person` if not given.

    Returns
    -------
    dict
        ``frames``, ``duration_s``, ``effective_fps`` (analysed frames per second), ``face_share``
        (frames with the respondent's face), ``longest_gap_s`` (longest time without it),
        ``brightness`` and ``contrast`` (median luma and its SD, 0-255), ``face_px`` (median width),
        ``other_faces_share``, ``usable`` and ``reasons`` (which of `LIMITS` it fell under).
    """
    if person is None:
        person = main_person(table)
    rows = person_rows(table, person)
    times = rows["time_s"].to_numpy()
    seen = rows["face_id"].notna().to_numpy()
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    span = float(times[-1] - times[0] + step) if len(times) else 0.0
    own = [] if person is None else same_person(table, person)
    others = table[table["face_id"].notna() & ~table["face_id"].isin(own)]
    quality = {
        "frames": len(rows),
        "duration_s": span,
        "effective_fps": len(rows) / span if span > 0 else math.nan,
        "face_share": float(seen.mean()) if len(seen) else 0.0,
        "longest_gap_s": _longest_gap(times, seen, span),
        "brightness": float(rows["brightness"].median()),
        "contrast": float(rows["contrast"].median()),
        "face_px": float(rows["width"].median()),
        "other_faces_share": others["frame"].nunique() / len(rows) if len(rows) else 0.0,
    }
    quality["reasons"] = _reasons(quality)
    quality["usable"] = not quality["reasons"]
    return quality


def _longest_gap(times: np.ndarray, seen: np.ndarray, span: float) -> float:
    """Longest time between two sightings, or before the first, or after the last."""
    if not len(times):
        return 0.0
    marks = np.concatenate([[times[0]], times[seen], [times[0] + span]])
    gaps = np.diff(marks)
    # Two neighbouring frames with a face are no gap, however far apart the frame rate puts them.
    rank = np.flatnonzero(seen)
    if len(rank) > 1:
        gaps[1:-1][np.diff(rank) == 1] = 0.0
    if seen[0]:
        gaps[0] = 0.0
    if seen[-1]:
        gaps[-1] = 0.0
    return float(gaps.max())


def _reasons(quality: dict) -> list[str]:
    said = {
        "face_share": "the face is seen in only {:.0%} of the frames (at least {:.0%} needed)",
        "brightness": "the picture is too dark: median brightness {:.0f} of 255 (at least {:.0f})",
        "face_px": "the face is too small: {:.0f} px wide (at least {:.0f})",
        "effective_fps": "too few frames: {:.1f} per second (at least {:.0f})",
    }
    return [
        said[name].format(quality[name], limit)
        for name, limit in LIMITS.items()
        if quality[name] < limit
    ]


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
