"""A local library of past studies, and where a new one stands among them.

The library is a folder of Parquet files, one per study and stimulus. A percentile only means
something among studies measured alike: `StudyResult.measured_how` says what must agree. Others,
and files that do not tell, are left out and counted.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.errors import StudyError
from fer_nb.files import make_folder, new_file

MIN_STUDIES = 10
_METRICS = ("ever_expressed", "average", "maximum", "first", "last", "peak_end", "peak")
_KEYS = ["signal", "metric"]


@dataclass(frozen=True)
class Norms:
    """Percentiles of one stimulus among past ones, and the sentence that puts them in context."""

    table: pd.DataFrame
    sentence: str


def _own(metrics: pd.DataFrame, stimulus: str) -> pd.DataFrame:
    chosen = (
        (metrics["stimulus"] == stimulus)
        & (metrics["group"] == "all")
        & (metrics["scope"] == "whole")
        & metrics["metric"].isin(_METRICS)
    )
    return metrics[chosen]


def add_to_norms(
    result, library, *, category: str = "", study: str = "", force=False
) -> list[Path]:
    """Add a study's stimuli to a library of norms.

    Parameters
    ----------
    result : StudyResult
    library : path
        Folder; made where absent.
    category : str
        What kind of stimulus it is ("trailer", "cosmetics ad"), to look up like with like.
    study : str
        Name of the study; its `study_id` if empty.

    Raises
    ------
    StudyError
        If nothing was kept, or the stimulus is in the library already and `force` is false.
    """
    folder = make_folder(library)
    study = study or result.study_id
    if not result.audiences:
        raise StudyError("no recording was kept, so there is nothing to add to the norms")
    paths = {stimulus: folder / _file_name(study, stimulus) for stimulus in result.audiences}
    for path in paths.values():
        if path.exists() and not force:
            raise StudyError(f"{path.name} is in the norms already; use force to replace it")
    for stimulus, audience in result.audiences.items():
        rows = _own(result.metrics, stimulus).assign(
            study=study,
            category=category,
            respondents=len(audience),
            duration_s=audience.duration_s,
            **result.measured_how(),
        )
        with new_file(paths[stimulus], force=True) as part:
            rows.to_parquet(part, index=False)
    return list(paths.values())


def _file_name(study: str, stimulus: str) -> str:
    """Name of a stimulus' file; names that look the same in safe letters differ by a digest."""
    name = f"{study}__{stimulus}"
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
    if safe != name:
        safe += f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return f"{safe}.parquet"


def read_norms(library) -> pd.DataFrame:
    """Read a library of norms; an empty table where there is none."""
    files = sorted(Path(library).glob("*.parquet")) if library else []
    if not files:
        return pd.DataFrame()
    try:
        return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    except (OSError, ValueError) as error:
        raise StudyError(f"the norms in {library} cannot be read: {error}") from error


def compare_with_norms(
    result, stimulus: str, library, *, category: str = "", study: str = ""
) -> Norms:
    """Say where a stimulus stands among past ones.

    Parameters
    ----------
    result : StudyResult
    stimulus : str
    library : path or None
    category : str
        Compare with stimuli of this kind only.
    study : str
        Name under which this study was added, if it was given one: it is not its own past.

    Returns
    -------
    Norms
        `table`: `signal, metric, estimate, percentile, low, high` (percentile of the interval's
        ends), `studies`. Empty where there are no norms; the sentence then says so.
    """
    names = [*_KEYS, "estimate", "percentile", "low", "high", "studies"]
    nothing = pd.DataFrame(columns=names)
    past = read_norms(library)
    if past.empty:
        return Norms(nothing, "No norms: there is no library of past studies to compare with.")
    total = past[["study", "stimulus"]].drop_duplicates().shape[0]
    if category:
        past = past[past["category"] == category]
    how = result.measured_how()
    past = past[past.reindex(columns=list(how)).eq(pd.Series(how)).all(axis=1)]
    own = past["study"] == (study or result.study_id)
    past = past[~own | (past["stimulus"] != stimulus)]
    count = past[["study", "stimulus"]].drop_duplicates().shape[0]
    kind = f" of kind {category!r}" if category else ""
    if count < MIN_STUDIES:
        return Norms(
            nothing,
            f"No norms: {count} of {total} past stimuli{kind} were measured alike (same model, "
            f"detector and parameters); at least {MIN_STUDIES} are needed for a percentile.",
        )
    rows = []
    grouped = {key: part["estimate"].to_numpy() for key, part in past.groupby(_KEYS)}
    for row in _own(result.metrics, stimulus).itertuples():
        known = grouped.get((row.signal, row.metric), np.array([]))
        known = known[~np.isnan(known)]
        if len(known) < MIN_STUDIES or np.isnan(row.estimate):
            continue
        at = [_percentile(known, v) for v in (row.estimate, row.low, row.high)]
        rows.append((row.signal, row.metric, row.estimate, *at, len(known)))
    sizes = past.drop_duplicates(["study", "stimulus"])
    return Norms(
        pd.DataFrame(rows, columns=names),
        f"Percentiles among {count} past stimuli{kind} measured alike ({sizes['study'].nunique()} "
        f"studies, median {sizes['respondents'].median():.0f} respondents, "
        f"{sizes['duration_s'].median():.0f} s).",
    )


def _percentile(known: np.ndarray, value: float) -> float:
    """Mid-rank percentile, 0-100; NaN stays NaN."""
    if np.isnan(value):
        return np.nan
    return float(100 * ((known < value).mean() + 0.5 * (known == value).mean()))
