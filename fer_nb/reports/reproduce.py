"""Make the numbers of a report again, from the recording, and say what is the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from fer_nb.errors import FerError, TableError
from fer_nb.faces.detectors import Detector, load_detector
from fer_nb.files import existing, sha256
from fer_nb.models import FerModel, load_model
from fer_nb.reactions import analyze_video
from fer_nb.remote import beside, fetched, is_file, is_folder, path_of
from fer_nb.reports.record import read_record, study_digests, table_digest, versions
from fer_nb.tables import read_table


@dataclass(frozen=True)
class Finding:
    """One thing that was compared: `same` is None where it only informs."""

    what: str
    same: bool | None
    told: str

    def __str__(self) -> str:
        mark = {True: "same", False: "DIFFERS", None: "note"}[self.same]
        return f"{mark:8}{self.what}: {self.told}"


def reproduce(page: str | Path, source: str | Path | None = None) -> list[Finding]:
    """Repeat the analysis behind a report, with the parameters that it keeps.

    Nothing is written beside the report.

    Parameters
    ----------
    page : path
        ``NAME.html`` of a recording, or ``study.html``.
    source : path, optional
        The recording, or the study's manifest, where it is no longer where the page says.

    Returns
    -------
    list of Finding
        Of the recording, the model, the versions of packages, and the numbers, in this order.

    Raises
    ------
    FerError
        If the page keeps no record, or the recording, model or detector cannot be had.
    """
    page = Path(page)
    record = read_record(page)
    source = _source(page, record, source)
    if record["kind"] == "study":
        return [*_versions(record), *_study(page, record, source)]
    return [*_recording(page, record, source)]


def _source(page: Path, record: dict, source: str | Path | None) -> str | Path:
    path = path_of(str(source)) if source is not None else beside(page.parent, record["path"])
    if not (is_file(path) or is_folder(path)):
        raise FerError(
            f"there is no {path}, which {page.name} was made of; say with --source where it is now"
        )
    return path


def _recording(page: Path, record: dict, video: str | Path) -> list[Finding]:
    with fetched(video) as file:
        return _recording_here(page, record, file)


def _recording_here(page: Path, record: dict, video: Path) -> list[Finding]:
    digest = sha256(existing(video))
    found = [_compared("recording", record["sha256"], digest, video.name)]
    model = load_model(record["model"], prior=record["prior"] or "default")
    found.append(_compared("model", record["model_sha256"], model.sha256, record["model"]))
    parameters = dict(record["parameters"])
    detector = _detector(parameters.pop("detector"))
    found += _versions(record)
    table = analyze_video(video, model=model, detector=detector, **parameters)
    same = table_digest(table) == record["table_sha256"]
    told = f"all {len(table)} rows are identical" if same else _difference(page, table, record)
    return [*found, Finding("table", same, told)]


def _detector(settings: dict) -> Detector:
    options = {name: value for name, value in settings.items() if name != "name"}
    if settings["name"] == "yunet":  # only its file's name is known; the cache has it
        options.pop("model", None)
    return load_detector(settings["name"], **options)


def _compared(what: str, then: str | None, now: str | None, name: str) -> Finding:
    if then == now:
        return Finding(what, True, f"{name} (SHA-256 {(now or 'unknown')[:12]})")
    return Finding(
        what, False, f"{name} has SHA-256 {(now or '?')[:12]}, then {(then or '?')[:12]}"
    )


def _versions(record: dict) -> list[Finding]:
    then, now = record["versions"], versions()
    other = {name: value for name, value in then.items() if now.get(name) != value}
    if not other:
        return [Finding("versions", True, ", ".join(f"{k} {v}" for k, v in now.items()))]
    told = ", ".join(f"{name} {value}, now {now.get(name, '-')}" for name, value in other.items())
    return [Finding("versions", None, told)]


def _difference(page: Path, table: pd.DataFrame, record: dict) -> str:
    """Say by how much a table differs from the one beside the page, where that is still there."""
    try:
        before = read_table(page.with_suffix(".parquet"))
    except TableError:
        return f"{len(table)} rows, then {record['rows']}; the table beside the page is missing"
    if len(before) != len(table):
        return f"{len(table)} rows, then {len(before)}"
    largest = {}
    for name in table.select_dtypes("number"):
        now, then = (t[name].to_numpy(float, na_value=np.nan) for t in (table, before))
        if not np.array_equal(now, then, equal_nan=True):
            largest[name] = np.nanmax(np.abs(now - then), initial=0.0)
    told = ", ".join(f"{name} by {value:.2g}" for name, value in largest.items())
    return f"at most {told}" if told else "the numbers are identical, other columns are not"


def _study(page: Path, record: dict, manifest: str | Path) -> list[Finding]:
    from fer_nb.study import StudyConfig, load_study, run_study

    before = load_study(page.parent)
    made = before.provenance["made_with"]
    model, detector, found = _study_tools(made)
    stimuli = beside(page.parent, record["stimuli"]) if record["stimuli"] else None
    with TemporaryDirectory(prefix="fer_nb-") as folder:
        after = run_study(
            manifest,
            stimuli,
            out_dir=folder,
            config=StudyConfig(**before.config.as_dict()),
            model=model,
            detector=detector,
            every=record["every"],
        )
        digests = study_digests(folder)
    then, now = (r.quality.set_index("recording")["sha256"].fillna("") for r in (before, after))
    changed = [str(name) for name in then.index if now.get(name, "") != then[name]]
    told = ", ".join(changed) or f"all {len(then)} are the same files"
    found.append(Finding("recordings", not changed, told))
    return found + [
        Finding(
            name,
            digests[name] == digest,
            "to the last byte"
            if digests[name] == digest
            else "compare it with the file beside the page",
        )
        for name, digest in record["files"].items()
    ]


def _study_tools(made: dict) -> tuple[FerModel, Detector, list[Finding]]:
    """Load the one model and the one detector that all tables of a study were made with."""
    several = [name for name in ("model", "detector", "prior") if len(made.get(name, ())) != 1]
    if several:
        raise FerError(
            f"the study's tables were not all made with one {' and '.join(several)}; reproduce the "
            "reports of its recordings"
        )
    prior = json.loads(made["prior"][0])
    model = load_model(made["model"][0], prior=prior or "default")
    detector = _detector(json.loads(made["detector"][0]))
    return (
        model,
        detector,
        [_compared("model", made["model_sha256"][0], model.sha256, made["model"][0])],
    )
