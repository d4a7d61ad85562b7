"""Where a new study stands among past ones; `fer_nb.study.norms_library` keeps those.

A percentile only means something among studies measured alike: `StudyResult.measured_how` says what
must agree. Others, and files that do not tell, are left out and counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_nb.study.norms_library import alike_in_kind, own_numbers, read_norms

MIN_STUDIES = 10
_KEYS = ["signal", "metric"]


@dataclass(frozen=True)
class Norms:
    """Percentiles of one stimulus among past ones.

    Attributes
    ----------
    table : DataFrame
    status : str
        "known", "no-library", or "too-few" (fewer than `MIN_STUDIES` were measured alike).
    stimuli, total, studies : int
        Past stimuli measured alike, past stimuli in all, and studies that the first come from.
    respondents, duration_s : float
        Medians of the past stimuli measured alike.
    category, market : str
    length_s : tuple of float or None
        Which past stimuli were asked for.
    """

    table: pd.DataFrame
    status: str
    stimuli: int = 0
    total: int = 0
    studies: int = 0
    respondents: float = np.nan
    duration_s: float = np.nan
    category: str = ""
    market: str = ""
    length_s: tuple[float, float] | None = None


def compare_with_norms(
    result,
    stimulus: str,
    library,
    *,
    category: str = "",
    market: str = "",
    length_s=None,
    study: str = "",
) -> Norms:
    """Say where a stimulus stands among past ones.

    Parameters
    ----------
    result : StudyResult
    stimulus : str
    library : path or None
    category, market : str
        Compare with stimuli of this kind, or tested there, only.
    length_s : pair of float, optional
        Compare with stimuli from so long to so long only, in seconds.
    study : str
        Name under which this study was added, if it was given one: it is not its own past.

    Returns
    -------
    Norms
        `table`: `signal, metric, estimate, percentile, low, high` (percentile of the interval's
        ends), `studies`. Empty where there are no norms.
    """
    names = [*_KEYS, "estimate", "percentile", "low", "high", "studies"]
    nothing = pd.DataFrame(columns=names)
    past = read_norms(library)
    if past.empty:
        return Norms(nothing, "no-library")
    total = past[["study", "stimulus"]].drop_duplicates().shape[0]
    length_s = None if length_s is None else tuple(map(float, length_s))
    past = alike_in_kind(past, category, market, length_s)
    how = result.measured_how()
    past = past[past.reindex(columns=list(how)).eq(pd.Series(how)).all(axis=1)]
    own = past["study"] == (study or result.study_id)
    past = past[~own | (past["stimulus"] != stimulus)]
    count = past[["study", "stimulus"]].drop_duplicates().shape[0]
    counts = {"stimuli": count, "total": total, "category": category}
    counts |= {"market": market, "length_s": length_s}
    if count < MIN_STUDIES:
        return Norms(nothing, "too-few", **counts)
    rows = []
    grouped = {key: part["estimate"].to_numpy() for key, part in past.groupby(_KEYS)}
    for row in own_numbers(result.metrics, stimulus).itertuples():
        known = grouped.get((row.signal, row.metric), np.array([]))
        known = known[~np.isnan(known)]
        if len(known) < MIN_STUDIES or np.isnan(row.estimate):
            continue
        at = [_percentile(known, v) for v in (row.estimate, row.low, row.high)]
        rows.append((row.signal, row.metric, row.estimate, *at, len(known)))
    sizes = past.drop_duplicates(["study", "stimulus"])
    return Norms(
        pd.DataFrame(rows, columns=names),
        "known",
        studies=sizes["study"].nunique(),
        respondents=float(sizes["respondents"].median()),
        duration_s=float(sizes["duration_s"].median()),
        **counts,
    )


def _percentile(known: np.ndarray, value: float) -> float:
    """Mid-rank percentile, 0-100; NaN stays NaN.

    NaN, too, where most past values are the very same as this one: among films in which nobody
    ever showed disgust, one more has no rank ("50th percentile"). The same to the digits that a
    study's files carry is the same: a third that was saved is not less than a third.
    """
    same = np.isclose(known, value, rtol=1e-5, atol=1e-9)
    if np.isnan(value) or same.mean() > 0.5:
        return np.nan
    return float(100 * (((known < value) & ~same).mean() + 0.5 * same.mean()))


def norms_table(result, library, **which) -> pd.DataFrame:
    """Where every stimulus of a study stands among past ones, in one table with `stimulus` first.

    Parameters as `compare_with_norms`; `which` are its keyword arguments.
    """
    parts = []
    for stimulus in result.audiences:
        table = compare_with_norms(result, stimulus, library, **which).table
        parts.append(table.assign(stimulus=stimulus))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"stimulus": []})
    return table[["stimulus", *table.columns.drop("stimulus")]]
