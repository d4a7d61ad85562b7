"""From a manifest to measured recordings: each is loaded, judged and binned, once."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.batch import map_in_order
from fer_nb.errors import FerError, StudyError
from fer_nb.files import told_path, without_folders
from fer_nb.loader import VideoLoader
from fer_nb.person import Person, Rest, find_person, rest_of, usual_rest
from fer_nb.remote import fetched, is_address, name_of
from fer_nb.study.config import StudyConfig
from fer_nb.study.curves import bin_recording
from fer_nb.study.loaders import Loader
from fer_nb.study.manifest import Manifest
from fer_nb.study.quality import COLUMNS, judge
from fer_nb.study.stimuli import Stimulus, cell_name, scenes_beyond

# The arrays of a `Recording`.
MEASURED = ("raw", "coverage", "seconds")


@dataclass
class Recording:
    """One measured recording on its stimulus clock; see `Audience` for the shapes."""

    respondent: str
    cell: str
    group: str
    raw: np.ndarray
    coverage: np.ndarray
    seconds: np.ndarray
    baselines: dict[str, Rest]
    facing: float = np.nan


def analyse_ahead(
    manifest: Manifest,
    load: VideoLoader,
    progress: Callable[[int, int, str, str], None] | None = None,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    time_limit_s: float | None = None,
) -> dict[str, FerError]:
    """Fill the loader's folder, several videos at a time; see `fer_nb.batch.map_in_order`.

    Returns
    -------
    dict of str to FerError
        Why a video, by its name in the manifest, could not be analysed; see `told_before`.

    Raises
    ------
    StudyError
        If the loader keeps no tables, or a stimulus' video cannot be read.
    """
    if load.cache is None:
        raise StudyError(
            "side by side, the tables are kept in a folder; give out_dir (and a model of your own "
            "an attribute sha256), or leave out workers and scheduler"
        )
    _known_lengths(manifest)  # an error is better told before the work
    rows = manifest.recordings.drop_duplicates("video")[["video", "path"]]
    paths = [path if is_address(path) else path.absolute() for path in rows["path"]]
    rows = rows.assign(path=paths).to_dict("records")
    if scheduler is not None:  # other machines may see the recordings, and not our folder
        ready = map_in_order(load.work, map(load.order, rows), scheduler=scheduler)
    else:
        ready = map_in_order(load.keep, rows, workers=workers, time_limit_s=time_limit_s)
    failed = {}
    for done, (row, answer) in enumerate(zip(rows, ready, strict=True), start=1):
        if isinstance(answer, FerError):
            failed[row["video"]] = answer
        else:
            load.take(row, answer)
        if progress is not None:
            progress(done, len(rows), row["video"], str(failed.get(row["video"], "")))
    return failed


def told_before(load: VideoLoader, failed: dict[str, FerError]) -> Loader:
    """Return a loader for what `analyse_ahead` has done: it looks at no recording again, as one of
    the `failed` may have killed its process, and hashing a long one takes its time."""

    def read(row: dict) -> pd.DataFrame:
        if row["video"] in failed:
            raise failed[row["video"]]
        return load.kept(row)

    return read


def measure_recordings(
    manifest: Manifest, load: Loader, config: StudyConfig, progress=None
) -> tuple[pd.DataFrame, list[Recording], dict[str, float], dict]:
    """Load, judge and bin every recording.

    A recording that cannot be read is a line of the quality table with status "failed". A stimulus
    lasts as long as is stated, else as its video, else as the median recording goes on from its
    start; in this last case its tables are held until all are read.

    Returns
    -------
    quality : DataFrame
        One row per recording, in the manifest's order.
    kept : list of Recording
    durations : dict
        Seconds of each stimulus; NaN where no recording tells.
    provenance : dict
        Model and parameters the tables were made with.

    Raises
    ------
    StudyError
        If the length of a stimulus is not stated and its video cannot be read, or is too short
        for one of its scenes.
    """
    rows = manifest.recordings.to_dict("records")
    read, room = _reader(load, progress, len(rows)), _Room()
    durations = _known_lengths(manifest)
    folder, covariates = manifest.folder, manifest.covariates
    columns = [*COLUMNS, *covariates]
    lines, kept, made_with = [None] * len(rows), [None] * len(rows), {}
    of_file: dict[tuple, str] = {}
    of_stimulus: dict[str, list[int]] = {name: [] for name in durations}
    for i, row in enumerate(rows):
        of_stimulus[row["stimulus"]].append(i)
    for name, mine in of_stimulus.items():
        tables: Iterable = ((i, read(rows[i])) for i in mine)
        if not durations[name]:
            tables = list(tables)
            durations[name] = _median_end(tables, rows)
        beyond = scenes_beyond(manifest.stimuli[name].scenes, durations[name])
        for i, table in tables:
            row = rows[i]
            try:
                line, kept[i] = _measure(row, table, durations[name], config, made_with)
                if kept[i] is not None:
                    for measured in MEASURED:
                        setattr(kept[i], measured, room.keep(getattr(kept[i], measured)))
                    _remark_copy(line, row, of_file)
                line["messages"] = "; ".join(filter(None, [line["messages"], *beyond]))
            except Exception as error:  # one recording, whatever is wrong with it, ends no study
                known = isinstance(error, FerError)
                told = str(error) if known else f"{type(error).__name__}: {error}"
                line = {"status": "failed", "reasons": "", "notes": "", "messages": told}
            line["messages"] = without_folders(line["messages"], row["path"])
            line |= {key: row[key] for key in ("respondent", "group", *covariates)}
            line |= {"recording": _named(row["video"], folder), "stimulus": cell_name(row)}
            lines[i] = tuple(line.get(column, np.nan) for column in columns)  # a dict is larger
    quality = pd.DataFrame(lines, columns=columns)
    return quality, [k for k in kept if k is not None], durations, made_with


def _remark_copy(line: dict, row: dict, of_file: dict[tuple, str]) -> None:
    """Remark on a kept recording that is, from the same second, one that was kept before."""
    if not isinstance(line["sha256"], str):
        return
    mine = f"{row['respondent']}, {cell_name(row)}"
    first = of_file.setdefault((line["sha256"], row["start_s"]), mine)
    if first != mine:
        line["notes"] = "; ".join(filter(None, [line["notes"], "same_file"]))
        told = f"it is the recording of {first}"
        line["messages"] = "; ".join(filter(None, [line["messages"], told]))


class _Room:
    """Room for the arrays of many recordings, 2 million numbers at a time: ten thousand small ones
    would keep their memory when they are gone."""

    def __init__(self) -> None:
        self._free: dict[np.dtype, np.ndarray] = {}

    def keep(self, values: np.ndarray) -> np.ndarray:
        free = self._free.get(values.dtype)
        if free is None or free.size < values.size:
            free = np.empty(max(2_000_000, values.size), values.dtype)
        place, self._free[values.dtype] = np.split(free, [values.size])
        place[:] = values.ravel()
        return place.reshape(values.shape)


def _named(video: str, folder: str | Path) -> str:
    """Return how the manifest calls a recording, without folders that tell who the user is."""
    if not os.path.isabs(video):
        return video
    return name_of(video) if is_address(folder) else told_path(video, folder)


_MODEL = ("model", "model_version", "model_sha256", "package_version")


def _reader(load: Loader, progress, total: int):
    """Return a function from a row to its table, or to the error that says why there is none."""
    done = itertools.count(1)

    def read(row) -> pd.DataFrame | FerError:
        failed = True
        try:
            table, failed = load(row), False
        except FerError as error:
            table = error
        except Exception as error:  # of libraries: a recording they stumble on is one that failed
            table = FerError(f"{type(error).__name__}: {error}")
        if progress is not None:
            progress(next(done), total, row["video"], str(table) if failed else "")
        return table

    return read


def _measure(row, table, duration_s, config, made_with):
    if isinstance(table, FerError):
        raise table
    if table.empty:
        raise FerError("the table has no frame")
    if np.isnan(duration_s):
        raise StudyError(
            f"the length of stimulus {row['stimulus']!r} is unknown, as no recording reaches its "
            "start; check start_s, or give its duration_s in the file of stimuli"
        )
    if duration_s * config.rate_hz < 1 - 1e-6:
        raise StudyError(
            f"a bin of {1 / config.rate_hz:g} s is longer than stimulus {row['stimulus']!r} "
            f"({duration_s:g} s); choose a larger rate_hz"
        )
    start = row["start_s"]
    person = find_person(table, start, start + duration_s, max_hold_s=config.max_hold_s)
    attrs = table.attrs
    parameters = attrs.get("parameters", {})
    used = {name: str(attrs.get(name)) for name in _MODEL}
    used["prior"] = json.dumps(attrs.get("prior"), sort_keys=True)
    used["detector"] = json.dumps(parameters.get("detector"), sort_keys=True)
    for name, value in used.items():
        made_with.setdefault(name, set()).add(value)
    nominal = attrs.get("video", {}).get("fps")
    fps = nominal / parameters.get("every", 1) if nominal else np.nan
    baselines = _baselines(row, person, config)
    stated = baselines["manifest"].seconds if "manifest" in baselines else np.nan
    measured, reasons, notes = judge(person, start, duration_s, fps, stated, config)
    line = measured | {
        "status": "excluded" if reasons else "kept",
        "reasons": "; ".join(reasons),
        "notes": "; ".join(notes),
        "messages": "; ".join(str(w) for w in attrs.get("warnings", [])),
        "source": attrs.get("source"),
        "sha256": attrs.get("sha256"),
    }
    if reasons:
        return line, None
    options = {"min_coverage": config.min_bin_coverage}
    bins = max(1, int(duration_s * config.rate_hz + 1e-6))
    edges = start + np.arange(bins + 1) / config.rate_hz
    raw, coverage = bin_recording(person, edges, **options)
    whole = start + np.arange(max(1, int(duration_s + 1e-6)) + 1.0)
    seconds, _ = bin_recording(person, whole, **options)
    return (
        line,
        Recording(
            respondent=row["respondent"],
            cell=cell_name(row),
            group=row["group"],
            raw=raw.astype(np.float32),  # as in people.parquet: of ten thousand it is the largest
            coverage=coverage,
            seconds=seconds[2:],
            baselines=baselines,
            facing=line["facing_share"],
        ),
    )


def _baselines(row, person: Person, config: StudyConfig) -> dict[str, Rest]:
    """The baselines a recording offers: the manifest's, the time before, the opening, rest."""
    start = row["start_s"]
    windows = {"opening": (start, start + config.opening_s)}
    if not np.isnan(row["baseline_start_s"]):
        windows["manifest"] = row["baseline_start_s"], row["baseline_end_s"]
    if start > 0 and config.baseline_s > 0:
        windows["before"] = max(0.0, start - config.baseline_s), start
    found = {name: rest_of(person, *window, config.rate_hz) for name, window in windows.items()}
    if config.baseline_from == "auto":
        found["auto"] = usual_rest(person, config.rate_hz)
    return found


def _known_lengths(manifest: Manifest) -> dict[str, float | None]:
    """Return the seconds of each stimulus, as stated or as its video lasts; None if unknown."""
    return {name: s.duration_s or _video_seconds(s) for name, s in manifest.stimuli.items()}


def _video_seconds(stimulus: Stimulus) -> float | None:
    """Seconds of a stimulus by its video; None where there is none or it does not tell."""
    if stimulus.video is None:
        return None
    from fer_nb.media import VideoReader

    try:
        with fetched(stimulus.video) as film, VideoReader(film) as video:
            duration = video.info.duration_s or None
    except FerError as error:
        raise StudyError(
            f"the length of stimulus {stimulus.name!r} is unknown: {error}; repair the video, or "
            "give its duration_s in the file of stimuli"
        ) from error
    if duration and (beyond := scenes_beyond(stimulus.scenes, duration)):
        raise StudyError(
            f"stimulus {stimulus.name!r}: {'; '.join(beyond)}; correct the scenes in the file of "
            "stimuli, or give its duration_s there"
        )
    return duration


def _median_end(tables, rows) -> float:
    """Seconds from the start of the stimulus to the end of the median recording that reaches it."""
    ends = [
        float(table["time_s"].max()) - rows[i]["start_s"]
        for i, table in tables
        if not isinstance(table, FerError)
    ]
    ends = [end for end in ends if end > 0]
    return float(np.median(ends)) if ends else np.nan
