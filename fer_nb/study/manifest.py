"""The manifest: who watched what, and where the recording lies. Checked whole before any work.

A study is described by two CSV files (comma or semicolon, UTF-8), or by a folder of recordings
`stimulus/respondent.mp4`. Either may be given by its address (`s3://…`). A `video` is a path from
the file's folder, there or here, or an address.

recordings  `respondent, stimulus, video` and, where wanted, `start_s` (when the stimulus begins in
            the recording), `group`, `phase`, `baseline_start_s`, `baseline_end_s`, `order` (the
            order a person was given, such as AB), `period` (which of the person's recordings this
            was: 1, 2, ...); any further column is kept as a covariate, unless it has no name.
stimuli     `stimulus` and, where wanted, `video`, `duration_s`, `title`, `scenes` (JSON list of
            `{"name", "start_s", "end_s"}`), `brand` (the same of when a brand or logo is seen).
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from unicodedata import normalize

import pandas as pd

from fer_nb.errors import StudyError
from fer_nb.files import VIDEO_SUFFIXES, Names
from fer_nb.remote import beside, fetched, files_at, here, is_file, is_folder, left_out, name_of
from fer_nb.study.quality import COLUMNS
from fer_nb.study.rows import number, read_rows
from fer_nb.study.stimuli import Stimulus, cell_name, read_stimuli, stimulus_name

_KNOWN = (
    "respondent",
    "stimulus",
    "video",
    "start_s",
    "group",
    "phase",
    "baseline_start_s",
    "baseline_end_s",
)
# How the films were presented; kept with the covariates, and terms of the mixed model.
PRESENTED = ("order", "period")
_NUMBERS = ("start_s", "baseline_start_s", "baseline_end_s")
_OURS = tuple(name for name in (*COLUMNS, "line", "path") if name not in _KNOWN)


@dataclass(frozen=True)
class Manifest:
    """A checked study description.

    Attributes
    ----------
    recordings : DataFrame
        One row per recording, in the file's order: the columns above (`video` as given,
        `path` resolved), `line` of the file, and covariates.
    stimuli : dict of str to Stimulus
    source : str
        Name of the file or folder.
    path : Path or str
        The file or folder; a str is an address.
    stimuli_path : Path or str, optional
        The file of stimuli.
    left_out : str
        Which files of a folder were not taken for recordings.
    """

    recordings: pd.DataFrame
    stimuli: dict[str, Stimulus]
    source: str
    path: str | Path = Path()
    stimuli_path: str | Path | None = None
    left_out: str = ""

    @property
    def folder(self) -> str | Path:
        """The folder from which the names of videos count."""
        return self.path if is_folder(self.path) else _parent(self.path)

    @property
    def covariates(self) -> list[str]:
        """Names of the manifest's further columns."""
        return [c for c in self.recordings.columns if c not in (*_KNOWN, "line", "path")]


def read_manifest(path, stimuli=None, *, need_videos: bool = True) -> Manifest:
    """Read and check a study.

    Parameters
    ----------
    path : path
        CSV file, or a folder holding `stimulus/respondent.mp4`, or the address of either. What was
        read already is returned.
    stimuli : path, optional
        CSV file of stimuli, or its address. Left out, a file `stimuli.csv` beside the manifest is
        taken.
    need_videos : bool
        Check that every recording exists; False where reaction tables are ready.

    Raises
    ------
    StudyError
        Naming every problem of both files, each with its line.
    """
    if isinstance(path, Manifest):
        return path
    if not isinstance(path, str | os.PathLike):
        raise StudyError(
            f"a manifest is the path of a CSV file or a folder, not {type(path).__name__}; "
            "write a table with to_csv, and give its path"
        )
    path = here(os.fspath(path))
    problems: list[str] = []
    others = ""
    if is_folder(path):
        (frame, others), base = _from_folder(path, problems), path
    else:
        with fetched(path) as file:
            rows = read_rows(file, _KNOWN[:3], problems, (*_KNOWN, *PRESENTED), refused=_OURS)
        frame = pd.DataFrame(rows)
        base = _parent(path)
    if stimuli is None and is_file(beside(base, "stimuli.csv")):
        stimuli = beside(base, "stimuli.csv")
    known = {}
    if stimuli is not None:
        stimuli = here(os.fspath(stimuli))
        with fetched(stimuli) as file:
            known = read_stimuli(file, _parent(stimuli), problems)
    if len(frame):
        frame = _check_recordings(frame, base, known if stimuli else None, need_videos, problems)
    elif not problems:
        problems.append(f"{name_of(path)}: there is no recording in it")
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise StudyError(f"the study cannot start: {count} to fix\n  " + "\n  ".join(problems))
    for name in frame["stimulus"].unique():
        known.setdefault(name, Stimulus(name=name, title=name))
    shown = set(frame["stimulus"])
    used = {name: s for name, s in known.items() if name in shown}
    return Manifest(frame, used, name_of(path), path, stimuli, others)


def _parent(path: str | Path) -> str | Path:
    return path.parent if isinstance(path, Path) else path.rpartition("/")[0]


def _from_folder(folder: str | Path, problems: list[str]) -> tuple[pd.DataFrame, str]:
    """The rows of a folder's recordings, and which files were left out."""
    videos = files_at(folder, VIDEO_SUFFIXES)
    names = [name for name in videos if name.count("/") == 1]
    notes = [left_out(folder, VIDEO_SUFFIXES)]
    if elsewhere := [name for name in videos if name not in names]:
        notes.append(f"left out {_some(elsewhere)}: not in the folder of a stimulus")
    rows = []
    for name in names:
        stimulus, file = name.split("/")
        try:
            name.encode()
        except UnicodeEncodeError:
            problems.append(f"{name!a} has a name that is not UTF-8; rename it")
            continue
        rows.append(
            {
                "respondent": normalize("NFC", Path(file).stem),
                "stimulus": normalize("NFC", stimulus),
                "video": name,
                "line": name,
            }
        )
    if not names:
        problems.append(
            f"{name_of(folder)}: no recordings found; expected STIMULUS/RESPONDENT.mp4 "
            f"({', '.join(VIDEO_SUFFIXES)})"
        )
    return pd.DataFrame(rows), "; ".join(filter(None, notes))


def _check_recordings(frame, base: str | Path, stimuli, need_videos, problems):
    for name in ("group", "phase", *_NUMBERS):
        if name not in frame:
            frame[name] = ""
    paths: list[str | Path] = []
    numbers_of, seen_keys, seen_takes, names = [], {}, {}, Names()
    shown = set(frame["stimulus"]) - {""}
    for row in frame.to_dict("records"):
        where = row["line"]
        for name in ("respondent", "stimulus", "video"):
            if not row[name]:
                problems.append(f"{where}: {name} is empty")
        if row["group"].casefold() == "all":
            problems.append(
                f"{where}: a group is named {row['group']!r}, which stands for everyone; rename it"
            )
        numbers = {n: number(row[n], where, n, problems) for n in _NUMBERS}
        begin, end = numbers["baseline_start_s"], numbers["baseline_end_s"]
        if bool(row["baseline_start_s"]) != bool(row["baseline_end_s"]):
            problems.append(f"{where}: give both baseline_start_s and baseline_end_s, or neither")
        elif begin is not None and end is not None and end <= begin:
            problems.append(f"{where}: the baseline ends at {end:g} s, not after {begin:g} s")
        if stimuli is not None and row["stimulus"] and row["stimulus"] not in stimuli:
            problems.append(
                f"{where}: stimulus {row['stimulus']!r} is not in the stimuli file "
                f"(it has {_some(stimuli)})"
            )
        if row["stimulus"] and (other := stimulus_name(shown, cell_name(row))) != row["stimulus"]:
            problems.append(
                f"{where}: phase {row['phase']!r} of stimulus {row['stimulus']!r} reads like "
                f"stimulus {other!r}; rename one of them"
            )
        key = (row["respondent"], row["stimulus"], row["phase"])
        if all(key[:2]) and seen_keys.setdefault(key, where) != where:
            problems.append(
                f"{where}: respondent {key[0]!r} has stimulus {key[1]!r} already "
                f"({seen_keys[key]}); one recording per person and stimulus"
            )
        start = numbers["start_s"] if row["start_s"] else 0.0  # None: not a number, and told above
        take = (normalize("NFC", os.path.normpath(row["video"])), start, row["stimulus"])
        told = row["video"] and start is not None
        if told and seen_takes.setdefault(take, where) != where:
            problems.append(
                f"{where}: video {row['video']!r} is used already ({seen_takes[take]}) "
                "from the same second for the same stimulus"
            )
        path: str | Path = beside(base, row["video"])
        if need_videos and row["video"] and isinstance(path, Path):  # elsewhere: in its turn
            path = names.found(path)
            if not os.path.isfile(path):  # a name that is too long is no crash
                hint = "; write / between folders, not \\" if "\\" in row["video"] else ""
                if alike := names.hint(path):
                    hint = f"; there is {os.path.relpath(alike, base)!r}: write it so"
                problems.append(f"{where}: there is no video {row['video']!r} in {base}{hint}")
            elif path.stat().st_size == 0:
                problems.append(f"{where}: video {row['video']!r} is empty (0 bytes)")
        paths.append(path)
        numbers_of.append(numbers)
    for name in _NUMBERS:
        frame[name] = [math.nan if n[name] is None else n[name] for n in numbers_of]
    frame["start_s"] = frame["start_s"].fillna(0.0)
    frame["path"] = paths
    _check_presentation(frame, problems)
    return frame.reset_index(drop=True)


def _some(names: Collection[str], most: int = 10) -> str:
    """Return the first of so many names in words: ten thousand lines may each list them."""
    rest = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(islice(names, most)) + rest or "none"


def _check_presentation(frame: pd.DataFrame, problems: list[str]) -> None:
    """See to it that `order` and `period`, where given, can be modelled."""
    for name in PRESENTED:
        if name in frame and (frame[name] != "").any():
            empty = frame.loc[frame[name] == "", "line"]
            problems += [
                f"{where}: {name} is empty; give it in every line, or in none" for where in empty
            ]
    periods: dict[tuple, str] = {}
    orders: dict[str, tuple] = {}
    for row in frame.to_dict("records"):
        where, person = row["line"], row["respondent"]
        period, order = row.get("period", ""), row.get("order", "")
        if period and not (period.isdecimal() and int(period) >= 1):
            problems.append(f"{where}: period is {period!r}; write 1, 2, ... as it was watched")
        elif period and periods.setdefault((person, period), where) != where:
            problems.append(
                f"{where}: respondent {person!r} has period {period} already "
                f"({periods[person, period]})"
            )
        if order and orders.setdefault(person, (order, where))[0] != order:
            problems.append(
                f"{where}: order of respondent {person!r} is {order!r}, but {orders[person][0]!r} "
                f"in {orders[person][1]}; order is the whole order a person was given (such as "
                "AB), period the place of this recording in it"
            )
