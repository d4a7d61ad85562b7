"""One person's recording in curves and numbers: smoothed signals, strongest moments, means."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fer_nb.emotions import EMOTIONS
from fer_nb.person.identity import SIGNALS
from fer_nb.person.time import average_between, holds


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
        face stays missing; in a window each frame counts by the time it stands for (see `holds`).
    """
    times = rows["time_s"].to_numpy(dtype=float)
    values = rows[list(SIGNALS)].to_numpy(dtype=float)
    out = values.copy()
    if window_s > 0 and len(rows):
        # A frame is measured where it begins: its own time is the middle of the window.
        held = holds(times)
        middle = times + held / 2
        half = window_s / 2
        out, measured_s = average_between(times, held, values, middle - half, middle + half)
        raw = (measured_s <= 1e-9) | np.isnan(values[:, 0])
        out[raw] = values[raw]
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
        rise = curve.to_numpy() - _median_over_time(curve)
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


def _median_over_time(curve: pd.Series) -> float:
    """The value that the curve exceeds for half of its time."""
    order = np.argsort(curve.to_numpy(), kind="stable")
    passed = np.cumsum(holds(curve.index.to_numpy(dtype=float))[order])
    return float(curve.to_numpy()[order][np.searchsorted(passed, passed[-1] / 2)])


def headline(rows: pd.DataFrame, curves: pd.DataFrame) -> dict:
    """Return the key figures of one person's recording.

    Means and shares weigh each frame by the time it stands for (see `holds`). ``peak_valence`` and
    ``low_valence`` are the extremes of the smoothed curve, with their times.
    """
    seen = rows["face_id"].notna().to_numpy()
    if not seen.any():
        return {"measured_s": 0.0}
    weights = holds(rows["time_s"].to_numpy(dtype=float))[seen]
    means = np.average(rows.loc[seen, list(SIGNALS)].to_numpy(float), axis=0, weights=weights)
    emotion = rows.loc[seen, "emotion"].to_numpy()
    shares = pd.Series(weights).groupby(emotion).sum() / weights.sum()
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
