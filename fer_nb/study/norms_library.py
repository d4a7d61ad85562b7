"""A local library of past studies: filled, listed, exported and merged.

A folder of Parquet files, one per study and stimulus. Each tells what the stimulus was (category,
market, length), how many people watched, with which model and parameters they were measured, and
the numbers; it holds no recording and no face.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd

from fer_nb.errors import StudyError
from fer_nb.files import existing, files_in, make_folder, new_file
from fer_nb.spreadsheets import harmless, restored

METRICS = ("ever_expressed", "average", "maximum", "first", "last", "peak_end", "peak", "score")
_IDENTITY = ["study", "stimulus"]
_NEEDED = (*_IDENTITY, "signal", "metric", "estimate", "respondents", "duration_s")
_TEXT = ("title", "category", "market", "model", "model_version", "package_version")


def own_numbers(metrics: pd.DataFrame, stimulus: str) -> pd.DataFrame:
    """The numbers of a study's stimulus that norms are made of."""
    chosen = (
        (metrics["stimulus"] == stimulus)
        & (metrics["group"] == "all")
        & (metrics["scope"] == "whole")
        & metrics["metric"].isin(METRICS)
    )
    return metrics[chosen]


def add_to_norms(
    result, library, *, category: str = "", market: str = "", study: str = "", force=False
) -> list[Path]:
    """Add a study's stimuli to a library of norms.

    Parameters
    ----------
    result : StudyResult
    library : path
        Folder; made where absent.
    category, market : str
        What kind of stimulus it is ("trailer", "cosmetics ad") and where it was tested ("DE"), to
        look up like with like.
    study : str
        Name of the study; its `study_id` if empty.

    Raises
    ------
    StudyError
        If nothing was kept, or the stimulus is in the library already and `force` is false.
    """
    from fer_nb.study.result import full_title

    folder = make_folder(library)
    study = study or result.study_id
    if not result.audiences:
        raise StudyError("no recording was kept, so there is nothing to add to the norms")
    paths = {stimulus: folder / _file_name(study, stimulus) for stimulus in result.audiences}
    for path in paths.values():
        if path.exists() and not force:
            raise StudyError(f"{path.name} is in the norms already; use force to replace it")
    made_with = result.provenance.get("made_with", {})
    made = {
        name: ",".join(made_with.get(name, []))
        for name in ("model", "model_version", "package_version")
    }
    for stimulus, audience in result.audiences.items():
        title = full_title(result.stimuli, stimulus) if stimulus in result.stimuli else stimulus
        rows = own_numbers(result.metrics, stimulus).assign(
            study=study,
            title=title,
            category=category,
            market=market,
            respondents=len(audience),
            duration_s=audience.duration_s,
            **made,
            **result.measured_how(),
        )
        _write(rows, paths[stimulus])
    return list(paths.values())


def read_norms(library) -> pd.DataFrame:
    """Read a library of norms; an empty table where there is none."""
    files = files_in(library, (".parquet",), "*") if library else []
    if not files:
        return pd.DataFrame()
    try:
        return _texts(pd.concat([pd.read_parquet(file) for file in files], ignore_index=True))
    except (OSError, ValueError) as error:
        raise StudyError(f"the norms in {library} cannot be read: {error}") from error


def list_norms(library) -> pd.DataFrame:
    """List what a library holds, one row per stimulus.

    Returns
    -------
    DataFrame
        `study, stimulus, title, category, market, respondents, duration_s, model, model_version,
        package_version, alike`: stimuli of the same number in `alike` were measured alike, and
        only these are compared with each other.
    """
    from fer_nb.study.result import HOW

    past = _known(library)
    table = past.drop_duplicates(_IDENTITY).reset_index(drop=True)
    how = table.reindex(columns=list(HOW)).astype(str).agg("|".join, axis=1)
    table["alike"] = pd.factorize(how)[0] + 1
    return table[
        [
            *_IDENTITY,
            "title",
            "category",
            "market",
            "respondents",
            "duration_s",
            "model",
            "model_version",
            "package_version",
            "alike",
        ]
    ]


def export_norms(
    library, path, *, category: str = "", market: str = "", length_s=None, force: bool = False
) -> Path:
    """Write a library, or the part of it that is asked for, to one ``.parquet`` or ``.csv`` file.

    Parameters
    ----------
    category, market, length_s
        As for `fer_nb.study.compare_with_norms`.

    Raises
    ------
    StudyError
        If there is nothing to export, or the file is of another kind.
    """
    path = Path(path)
    if path.suffix not in (".parquet", ".csv"):
        raise StudyError(
            f"norms are exported as .parquet or .csv, not {path.suffix or path.name!r}"
        )
    chosen = alike_in_kind(_known(library), category, market, length_s)
    if chosen.empty:
        raise StudyError(f"the norms in {library} hold no stimulus of that kind; nothing to export")
    with new_file(path, force) as part:
        if path.suffix == ".csv":
            harmless(chosen).to_csv(part, index=False, lineterminator="\n")
        else:
            chosen.to_parquet(part, index=False)
    return path


def merge_norms(library, others, *, force: bool = False) -> tuple[list[Path], int]:
    """Take other libraries, or exported files, into a library.

    Parameters
    ----------
    library : path
        Made where absent.
    others : sequence of path
        Folders, or files that `export_norms` wrote.
    force : bool
        Where a stimulus of a study is there with other numbers, take the new ones.

    Returns
    -------
    written : list of Path
    same : int
        How many stimuli were there already, with the same numbers.

    Raises
    ------
    StudyError
        Before anything is written: if one of `others` cannot be read, or holds other numbers for a
        stimulus that is there, and `force` is false.
    """
    folder, new, same = Path(library), {}, 0
    for other in map(Path, others):
        for (study, stimulus), rows in _exported(other).groupby(_IDENTITY, sort=False):
            path = folder / _file_name(str(study), str(stimulus))
            rows = rows.dropna(axis="columns", how="all").reset_index(drop=True)
            there = _texts(pd.read_parquet(path)) if path.exists() else new.get(path)
            if there is not None and _equal(there, rows):
                same += 1
                continue
            if there is not None and not force:
                raise StudyError(
                    f"{other}: stimulus {stimulus!r} of study {study!r} is in the norms already, "
                    "with other numbers; use force to replace them"
                )
            new[path] = rows
    make_folder(library)
    for path, rows in new.items():
        _write(rows, path)
    return list(new), same


def alike_in_kind(past: pd.DataFrame, category: str, market: str, length_s) -> pd.DataFrame:
    """Those past stimuli that are of a kind, a market and a length; empty asks for nothing."""
    if category:
        past = past[past["category"] == category]
    if market:
        past = past[past["market"] == market]
    if length_s is not None:
        past = past[past["duration_s"].between(*length_s)]
    return past


def _known(library) -> pd.DataFrame:
    past = read_norms(library)
    if past.empty:
        raise StudyError(
            f"{library} holds no norms; `fer-nb norms seed STUDY... {library}` makes them of "
            "finished studies"
        )
    return past


def _exported(path: Path) -> pd.DataFrame:
    if path.is_dir():
        return _known(path)
    existing(path)
    try:
        if path.suffix == ".csv":
            text = dict.fromkeys((*_IDENTITY, *_TEXT, "model_sha256", "prior", "detector"), str)
            table = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""])
            table = restored(table)
        else:
            table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise StudyError(f"the norms in {path} cannot be read: {error}") from error
    missing = [name for name in _NEEDED if name not in table]
    if missing:
        raise StudyError(f"{path} holds no norms: it has no column {', '.join(missing)}")
    return _texts(table)


def _texts(table: pd.DataFrame) -> pd.DataFrame:
    """Columns of text that older files lack, or leave empty, as empty text."""
    for name in (*_TEXT, "model_sha256", "prior", "detector"):
        if name in table:
            table[name] = table[name].astype(object).fillna("")
        elif name in _TEXT:
            table[name] = ""
    return table


def _equal(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    keys = ["signal", "metric"]
    a, b = (t.set_index(keys)["estimate"].astype(float).sort_index() for t in (one, other))
    return a.index.equals(b.index) and bool(((a - b).abs().fillna(0) < 1e-9).all())


def _write(rows: pd.DataFrame, path: Path) -> None:
    with new_file(path, force=True) as part:
        rows.to_parquet(part, index=False)


def _file_name(study: str, stimulus: str) -> str:
    """Name of a stimulus' file; names that look the same in safe letters differ by a digest."""
    name = f"{study}__{stimulus}"
    safe = "".join(c if c.isalnum() or c in "-_" else "_" for c in name)
    if safe != name:
        safe += f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return f"{safe}.parquet"
