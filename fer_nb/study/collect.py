"""From a manifest to measured recordings: each is loaded, judged and binned, once."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_nb.cluster import map_in_order
from fer_nb.errors import FerError, MediaError, StudyError
from fer_nb.study.config import StudyConfig
from fer_nb.study.curves import Baseline, baseline_of, bin_recording
from fer_nb.study.loaders import Loader, VideoLoader
from fer_nb.study.manifest import Manifest, Stimulus, cell_name, scenes_beyond
from fer_nb.study.quality import COLUMNS, judge, measure
from fer_nb.study.respondent import respondent


@dataclass
class Recording:
    """One measured recording on its stimulus clock; see `Audience` for the shapes."""

    respondent: str
    cell: str
    group: str
    raw: np.ndarray
    coverage: np.ndarray
    seconds: np.ndarray
    baselines: dict[str, Baseline]


def analyse_ahead(
    manifest: Manifest,
    load: VideoLoader,
    progress: Callable[[int, int], None] | None = None,
    *,
    workers: int = 1,
    scheduler: str | None = None,
) -> None:
    """Fill the loader's folder, several videos at a time; see `fer_nb.cluster.map_in_order`.

    A video that cannot be read is left for `measure_recordings` to find and report.

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
    rows = rows.assign(path=[path.absolute() for path in rows["path"]]).to_dict("records")
    ready = map_in_order(load.keep, rows, workers=workers, scheduler=scheduler)
    for done, _ in enumerate(ready, start=1):
        if progress is not None:
            progress(done, len(rows))


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
    read = _reader(load, progress, len(rows))
    durations = _known_lengths(manifest)
    lines, kept, made_with = [None] * len(rows), [None] * len(rows), {}
    for name in durations:
        tables = ((i, read(row)) for i, row in enumerate(rows) if row["stimulus"] == name)
        if not durations[name]:
            tables = list(tables)
            durations[name] = _median_end(tables, rows)
        beyond = scenes_beyond(manifest.stimuli[name].scenes, durations[name])
        for i, table in tables:
            row = rows[i]
            try:
                line, kept[i] = _measure(row, table, durations[name], config, made_with)
                line["notes"] = "; ".join(filter(None, [line["notes"], *beyond]))
            except FerError as error:
                line = {"status": "failed", "reasons": str(error)}
            line |= {key: row[key] for key in ("respondent", "group", *manifest.covariates)}
            lines[i] = line | {"recording": row["video"], "stimulus": cell_name(row)}
    quality = pd.DataFrame(lines, columns=[*COLUMNS, *manifest.covariates])
    return quality, [k for k in kept if k is not None], durations, made_with


_MODEL = ("model", "model_version", "model_sha256", "package_version")


def _reader(load: Loader, progress, total: int):
    """Return a function from a row to its table, or to the error that says why there is none."""
    done = itertools.count(1)

    def read(row) -> pd.DataFrame | FerError:
        try:
            table = load(row)
        except FerError as error:
            table = error
        if progress is not None:
            progress(next(done), total)
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
    person = respondent(table, start, start + duration_s)
    attrs = table.attrs
    parameters = attrs.get("parameters", {})
    used = {name: str(attrs.get(name)) for name in _MODEL}
    used["prior"] = json.dumps(attrs.get("prior"), sort_keys=True)
    used["detector"] = json.dumps(parameters.get("detector"), sort_keys=True)
    for name, value in used.items():
        made_with.setdefault(name, set()).add(value)
    nominal = attrs.get("video", {}).get("fps")
    fps = nominal / parameters.get("every", 1) if nominal else np.nan
    measured = measure(person, start, duration_s, fps, config)
    reasons, notes = judge(measured, config)
    notes += [str(w) for w in attrs.get("warnings", [])]
    baselines = _baselines(row, person, config)
    if "manifest" in baselines and baselines["manifest"].seconds < config.baseline_min_s:
        reasons.append(
            f"the face was seen for {baselines['manifest'].seconds:.1f} s of its baseline, "
            f"least {config.baseline_min_s:g} s"
        )
    line = measured | {
        "status": "excluded" if reasons else "kept",
        "reasons": "; ".join(reasons),
        "notes": "; ".join(notes),
        "source": attrs.get("source"),
        "sha256": attrs.get("sha256"),
    }
    if reasons:
        return line, None
    options = {"max_hold_s": config.max_hold_s, "min_coverage": config.min_bin_coverage}
    bins = max(1, int(duration_s * config.rate_hz + 1e-6))
    edges = start + np.arange(bins + 1) / config.rate_hz
    raw, coverage = bin_recording(person, edges, **options)
    whole = start + np.arange(max(1, int(duration_s + 1e-6)) + 1.0)
    seconds, _ = bin_recording(person, whole, **options)
    return line, Recording(
        respondent=row["respondent"],
        cell=cell_name(row),
        group=row["group"],
        raw=raw,
        coverage=coverage,
        seconds=seconds[2:],
        baselines=baselines,
    )


def _baselines(row, person, config) -> dict[str, Baseline]:
    """The baselines a recording offers: the manifest's, the time before, the opening."""
    start = row["start_s"]
    found = {"opening": baseline_of(person, start, start + config.opening_s, config)}
    if not np.isnan(row["baseline_start_s"]):
        window = row["baseline_start_s"], row["baseline_end_s"]
        found["manifest"] = baseline_of(person, *window, config)
    if start > 0 and config.baseline_s > 0:
        found["before"] = baseline_of(person, max(0.0, start - config.baseline_s), start, config)
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
        with VideoReader(stimulus.video) as video:
            duration = video.info.duration_s or None
    except MediaError as error:
        raise StudyError(
            f"the length of stimulus {stimulus.name!r} is unknown: {error}; mend the video, or "
            "give its duration_s in the file of stimuli"
        ) from error
    if duration and (beyond := scenes_beyond(stimulus.scenes, duration)):
        raise StudyError(
            f"stimulus {stimulus.name!r}: {'; '.join(beyond)}; mend the scenes in the file of "
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
