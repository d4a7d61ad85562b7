"""The manifest: who watched what, and where the recording lies. Checked whole before any work.

A study is described by two CSV files (comma or semicolon, UTF-8), or by a folder of recordings
`stimulus/respondent.mp4`:

recordings  `respondent, stimulus, video` and, where wanted, `start_s` (when the stimulus begins in
            the recording), `group`, `phase`, `baseline_start_s`, `baseline_end_s`; any further
            column is kept as a covariate, unless it has no name.
stimuli     `stimulus` and, where wanted, `video`, `duration_s`, `title`, `scenes` (JSON list of
            `{"name", "start_s", "end_s"}`).
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fer_nb.errors import StudyError
from fer_nb.media import VIDEO_SUFFIXES
from fer_nb.study.quality import COLUMNS

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
_NUMBERS = ("start_s", "baseline_start_s", "baseline_end_s")
_OURS = tuple(name for name in (*COLUMNS, "line", "path") if name not in _KNOWN)


@dataclass(frozen=True)
class Scene:
    """A named stretch of a stimulus, in seconds of the stimulus clock."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Stimulus:
    """What was shown. `video` and `duration_s` are None where unknown; `duration_s` is NaN in a
    finished study in which no recording could tell it."""

    name: str
    title: str
    video: Path | None = None
    duration_s: float | None = None
    scenes: tuple[Scene, ...] = ()


def cell_name(row: Mapping) -> str:
    """What was watched: the stimulus, with the phase where the manifest has one."""
    return f"{row['stimulus']} ({row['phase']})" if row["phase"] else row["stimulus"]


def stimulus_name(names: Iterable[str], cell: str) -> str:
    """Name of the stimulus behind a `cell_name`: the longest that fits."""
    return max((n for n in names if cell == n or cell.startswith(f"{n} (")), key=len)


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
    """

    recordings: pd.DataFrame
    stimuli: dict[str, Stimulus]
    source: str

    @property
    def covariates(self) -> list[str]:
        """Names of the manifest's further columns."""
        return [c for c in self.recordings.columns if c not in (*_KNOWN, "line", "path")]


def read_manifest(path, stimuli=None, *, need_videos: bool = True) -> Manifest:
    """Read and check a study.

    Parameters
    ----------
    path : path
        CSV file, or a folder holding `stimulus/respondent.mp4`.
    stimuli : path, optional
        CSV file of stimuli. Left out, a file `stimuli.csv` beside the manifest is taken.
    need_videos : bool
        Check that every recording exists; False where reaction tables are ready.

    Raises
    ------
    StudyError
        Naming every problem of both files, each with its line.
    """
    if not isinstance(path, str | os.PathLike):
        raise StudyError(
            f"a manifest is the path of a CSV file or a folder, not {type(path).__name__}; "
            "write a table with to_csv, and give its path"
        )
    path = Path(path)
    problems: list[str] = []
    if path.is_dir():
        frame = _from_folder(path, problems)
        base = path
    else:
        rows = read_rows(path, ("respondent", "stimulus", "video"), problems, refused=_OURS)
        frame = pd.DataFrame(rows)
        base = path.parent
    if stimuli is None and (base / "stimuli.csv").is_file():
        stimuli = base / "stimuli.csv"
    known = _read_stimuli(Path(stimuli), problems) if stimuli is not None else {}
    if len(frame):
        frame = _check_recordings(frame, base, known if stimuli else None, need_videos, problems)
    elif not problems:
        problems.append(f"{path.name}: there is no recording in it")
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise StudyError(
            f"the study cannot start: {count} to put right\n  " + "\n  ".join(problems)
        )
    for name in frame["stimulus"].unique():
        known.setdefault(name, Stimulus(name=name, title=name))
    used = {name: s for name, s in known.items() if name in set(frame["stimulus"])}
    return Manifest(recordings=frame, stimuli=used, source=path.name)


def _from_folder(folder: Path, problems: list[str]) -> pd.DataFrame:
    names = [
        file.relative_to(folder).as_posix()
        for file in sorted(folder.glob("*/*"))
        if file.suffix.lower() in VIDEO_SUFFIXES
    ]
    rows = []
    for name in names:
        stimulus, file = name.split("/")
        try:
            name.encode()
        except UnicodeEncodeError:
            problems.append(f"{name!a} is not named in UTF-8; rename it")
            continue
        rows.append(
            {"respondent": Path(file).stem, "stimulus": stimulus, "video": name, "line": name}
        )
    if not names:
        problems.append(
            f"{folder.name}: no recordings found; expected STIMULUS/RESPONDENT.mp4 "
            f"({', '.join(VIDEO_SUFFIXES)})"
        )
    return pd.DataFrame(rows)


def read_rows(
    path: Path, required: tuple[str, ...], problems: list[str], refused: tuple[str, ...] = ()
) -> list[dict]:
    """Rows as dicts of stripped text with their `line`; problems are collected.

    Columns without a name are left out.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        problems.append(f"{path.name}: there is no such file at {path}")
        return []
    except UnicodeDecodeError:
        problems.append(f"{path.name}: not UTF-8 text; save it as 'CSV UTF-8'")
        return []
    except OSError as error:
        problems.append(f"{path.name}: cannot be read ({error.strerror})")
        return []
    header_line = text.split("\n", 1)[0]
    delimiter = ";" if header_line.count(";") > header_line.count(",") else ","
    table = _cells(path.name, text, delimiter, problems)
    if not table:
        return []
    _, cells = table[0]
    header = [cell.strip() for cell in cells]
    while header and not header[-1]:
        header.pop()
    missing = [name for name in required if name not in header]
    if missing:
        problems.append(
            f"{path.name} line 1: no column {', '.join(missing)} (found: {', '.join(header)})"
        )
        return []
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        problems.append(f"{path.name} line 1: column {', '.join(doubled)} occurs twice")
    taken = [name for name in header if name in refused]
    if taken:
        problems.append(
            f"{path.name} line 1: the study has columns of its own named {', '.join(taken)}; "
            "rename or remove them"
        )
    rows = []
    for line, cells in table[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        while len(cells) > len(header) and not cells[-1].strip():
            cells.pop()
        if len(cells) != len(header):
            problems.append(
                f"{path.name} line {line}: {len(cells)} cells where the header has {len(header)}"
            )
            continue
        row = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if name}
        rows.append(row | {"line": f"{path.name} line {line}"})
    return rows


def _cells(name: str, text: str, delimiter: str, problems: list[str]) -> list[tuple[int, list]]:
    """Return the rows of a CSV file, each with the line it begins on; none if it cannot be read."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    table, line = [], 1
    try:
        for cells in reader:
            table.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        problems.append(f"{name} line {line}: {error}; is a quotation mark not closed?")
        return []
    if not table:
        problems.append(f"{name}: the file is empty")
    return table


def _number(text, where: str, name: str, problems: list[str], least: float = 0.0):
    """The cell as a float, None where empty; a problem where it is no finite number >= least."""
    if text in (None, ""):
        return None
    try:
        value = float(str(text).replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        problems.append(f"{where}: {name} is {text!r}, not a number of seconds")
        return None
    if value < least:
        problems.append(f"{where}: {name} is {value:g}; it must not be below {least:g}")
        return None
    return value


def _check_recordings(frame, base: Path, stimuli, need_videos, problems):
    for name in ("group", "phase", *_NUMBERS):
        if name not in frame:
            frame[name] = ""
    paths, numbers_of, seen_keys, seen_takes = [], [], {}, {}
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
        numbers = {n: _number(row[n], where, n, problems) for n in _NUMBERS}
        begin, end = numbers["baseline_start_s"], numbers["baseline_end_s"]
        if bool(row["baseline_start_s"]) != bool(row["baseline_end_s"]):
            problems.append(f"{where}: give both baseline_start_s and baseline_end_s, or neither")
        elif begin is not None and end is not None and end <= begin:
            problems.append(f"{where}: the baseline ends at {end:g} s, not after {begin:g} s")
        if stimuli is not None and row["stimulus"] and row["stimulus"] not in stimuli:
            problems.append(
                f"{where}: stimulus {row['stimulus']!r} is not in the stimuli file "
                f"(it has {', '.join(stimuli) or 'none'})"
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
        take = (os.path.normpath(row["video"]), start, row["stimulus"])
        told = row["video"] and start is not None
        if told and seen_takes.setdefault(take, where) != where:
            problems.append(
                f"{where}: video {row['video']!r} is used already ({seen_takes[take]}) "
                "from the same second for the same stimulus"
            )
        path = base / row["video"] if row["video"] else base
        if need_videos and row["video"]:
            if not path.is_file():
                problems.append(f"{where}: there is no video {row['video']!r} in {base}")
            elif path.stat().st_size == 0:
                problems.append(f"{where}: video {row['video']!r} is empty (0 bytes)")
        paths.append(path)
        numbers_of.append(numbers)
    for name in _NUMBERS:
        frame[name] = [math.nan if n[name] is None else n[name] for n in numbers_of]
    frame["start_s"] = frame["start_s"].fillna(0.0)
    frame["path"] = paths
    return frame.reset_index(drop=True)


def _read_stimuli(path: Path, problems: list[str]) -> dict[str, Stimulus]:
    result: dict[str, Stimulus] = {}
    for row in read_rows(path, ("stimulus",), problems):
        where, name = row["line"], row["stimulus"]
        if not name:
            problems.append(f"{where}: stimulus is empty")
            continue
        if name in result:
            problems.append(f"{where}: stimulus {name!r} is described twice")
            continue
        duration = _number(row.get("duration_s"), where, "duration_s", problems)
        if duration == 0:
            problems.append(f"{where}: duration_s is 0")
        video = path.parent / row["video"] if row.get("video") else None
        if video is not None and not video.is_file():
            problems.append(f"{where}: there is no stimulus video {row['video']!r}")
        scenes = _scenes(row.get("scenes", ""), duration, where, problems)
        result[name] = Stimulus(name, row.get("title") or name, video, duration, scenes)
    return result


def scenes_beyond(scenes: Iterable[Scene], duration_s: float) -> list[str]:
    """Return in words which scenes end after a stimulus of so many seconds; none if that is NaN."""
    length = f"{round(duration_s, 1):g} s"
    return [
        f"scene {scene.name!r} ends at {scene.end_s:g} s, after the stimulus ({length})"
        for scene in scenes
        if scene.end_s > duration_s + 0.5
    ]


def _scenes(text: str, duration, where: str, problems: list[str]) -> tuple[Scene, ...]:
    if not text:
        return ()
    try:
        items = json.loads(text)
        scenes = tuple(Scene(str(i["name"]), float(i["start_s"]), float(i["end_s"])) for i in items)
    except (json.JSONDecodeError, KeyError, OverflowError, TypeError, ValueError):
        problems.append(
            f"{where}: scenes is not a JSON list like "
            '[{"name": "opening", "start_s": 0, "end_s": 4}]'
        )
        return ()
    names = [scene.name for scene in scenes]
    for scene in scenes:
        if scene.name == "whole":
            problems.append(
                f"{where}: a scene is named 'whole', which stands for all of the stimulus; "
                "rename it"
            )
        if not 0 <= scene.start_s < scene.end_s < math.inf:
            problems.append(
                f"{where}: scene {scene.name!r} must start at 0 or later and end later, both at "
                "numbers of seconds"
            )
        elif duration:
            problems += [f"{where}: {beyond}" for beyond in scenes_beyond([scene], duration)]
        if names.count(scene.name) > 1 and scene is scenes[names.index(scene.name)]:
            problems.append(f"{where}: two scenes are named {scene.name!r}")
    return scenes
