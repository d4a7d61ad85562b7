"""A whole study in one call: manifest in, tables and everything a report needs out."""

from __future__ import annotations

import platform
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_nb.batch import fitting_workers, sole_writer
from fer_nb.files import make_folder
from fer_nb.loader import VideoLoader
from fer_nb.remote import fetched_folder, is_address
from fer_nb.study.branding import COLUMNS as BRAND_COLUMNS
from fer_nb.study.branding import brand_moments
from fer_nb.study.collect import (
    MEASURED,
    Recording,
    analyse_ahead,
    measure_recordings,
    told_before,
)
from fer_nb.study.comparison import COLUMNS as COMPARISON_COLUMNS
from fer_nb.study.comparison import (
    SCENE_COLUMNS,
    Contrast,
    compare_curves,
    compare_metrics,
    compare_scenes,
    contrasts,
    over_pairs,
)
from fer_nb.study.config import StudyConfig
from fer_nb.study.content import none_moved
from fer_nb.study.curves import Audience, as_tested, audience_table, departed
from fer_nb.study.loaders import table_loader
from fer_nb.study.manifest import PRESENTED, read_manifest
from fer_nb.study.metrics import COLUMNS as METRIC_COLUMNS
from fer_nb.study.metrics import stimulus_metrics
from fer_nb.study.mixed import COLUMNS as MIXED_COLUMNS
from fer_nb.study.mixed import mixed_model
from fer_nb.study.moments import COLUMNS as MOMENT_COLUMNS
from fer_nb.study.moments import find_moments
from fer_nb.study.quality import remark_baselines
from fer_nb.study.result import StudyResult, scenes_of, stack, stimulus_of
from fer_nb.study.scores import stimulus_scores
from fer_nb.study.segments import segment_tables
from fer_nb.study.sensitivity import COLUMNS as SENSITIVITY_COLUMNS
from fer_nb.study.sensitivity import sensitivity
from fer_nb.study.signals import exact
from fer_nb.study.stimuli import Scene, Stimulus
from fer_nb.study.storage import save_study
from fer_nb.study.synchrony import synchrony_tables

_CURVE_COLUMNS = (
    "stimulus",
    "group",
    "kind",
    "signal",
    "time_s",
    "estimate",
    "low",
    "high",
    "n",
)


def run_study(
    manifest,
    stimuli=None,
    *,
    tables=None,
    out_dir=None,
    config: StudyConfig | None = None,
    model=None,
    detector=None,
    every: int = 1,
    workers: int | None = 1,
    scheduler: str | None = None,
    time_limit_s: float | None = None,
    progress: Callable[[int, int, str, str], None] | None = None,
) -> StudyResult:
    """Run an audience study.

    Parameters
    ----------
    manifest : path
        CSV of recordings, or a folder `stimulus/respondent.mp4`; see `read_manifest`.
    stimuli : path, optional
        CSV of stimuli; `stimuli.csv` beside the manifest if left out.
    tables : mapping or path, optional
        Ready reaction tables (see `table_loader`), or the address of their folder; without them
        the videos are analysed.
    out_dir : path, optional
        Where the tables go; analysed videos are kept in `tables/` there and not analysed again.
    config : StudyConfig, optional
    model, detector, every
        As `fer_nb.analyze_video`.
    workers, scheduler
        Videos are analysed side by side in so many processes, or on the Dask cluster at this
        address (see `fer_nb.batch`), for which there must be an `out_dir`. None takes as many
        processes as fit the machine.
    time_limit_s : float, optional
        Longest time for the analysis of one video, in a process of its own; who takes longer has
        failed.
    progress : callable, optional
        Called with recordings done, recordings in all, the name of the last one, and why it failed
        ("" where it did not).

    Returns
    -------
    StudyResult
        Also where no recording could be kept: then only `quality` holds rows.

    Raises
    ------
    StudyError
        Naming every problem of the manifest, before any work.

    Examples
    --------
    >>> result = run_study("study/manifest.csv", out_dir="study/out")  # doctest: +SKIP
    >>> result.moments  # doctest: +SKIP
    """
    config = config or StudyConfig()
    described = read_manifest(manifest, stimuli, need_videos=tables is None)
    with (
        sole_writer(out_dir) if out_dir is not None else nullcontext(),
        fetched_folder(tables) if is_address(tables) else nullcontext(tables) as ready,
    ):
        if ready is not None:
            load = table_loader(ready, described.recordings.to_dict("records"))
        else:
            cache = make_folder(Path(out_dir) / "tables") if out_dir is not None else None
            load = VideoLoader(cache, model=model, detector=detector, every=every)
            workers = fitting_workers(len(described.recordings)) if workers is None else workers
            if workers != 1 or scheduler is not None or time_limit_s is not None:
                options: dict[str, Any] = {"workers": workers, "scheduler": scheduler}
                options["time_limit_s"] = time_limit_s
                load = told_before(load, analyse_ahead(described, load, progress, **options))
                progress = None  # what is left is done in no time
        quality, kept, durations, made_with = measure_recordings(described, load, config, progress)
        titles = {
            name: replace(s, duration_s=durations[name]) for name, s in described.stimuli.items()
        }
        provenance = _provenance(described, quality, made_with)
        result = analyse(quality, kept, titles, config, provenance)
        if out_dir is not None:
            save_study(result, out_dir)
    return result


def analyse(
    quality: pd.DataFrame,
    kept: list[Recording],
    stimuli: dict[str, Stimulus],
    config: StudyConfig,
    provenance: dict,
) -> StudyResult:
    """Work out all results from measured recordings."""
    audiences, baseline_notes = gather(kept, config)
    curves, metrics, moments, brand = [], [], [], []
    synchrony, over_time = [], []
    for name, audience in audiences.items():
        scenes = scenes_of(stimuli, name)
        for group, part in audience.parts().items():
            curves.append(audience_table(part, group))
            numbers = stimulus_metrics(part, group, scenes)
            metrics += [numbers, stimulus_scores(part, group, numbers)]
        moments.append(find_moments(audience))
        brand.append(brand_moments(audience, stimulus_of(stimuli, name).brand))
        one, timed = synchrony_tables(audience)
        synchrony.append(one)
        over_time.append(timed)
    pairs = contrasts(audiences, {name: scenes_of(stimuli, name) for name in audiences})
    compared = [compare_metrics(pair) for pair in pairs]
    presented = quality[[c for c in ("respondent", "stimulus", *PRESENTED) if c in quality]]
    by_scene, differences = [], []
    for pair in pairs:
        first, second = scenes_of_pair(pair, stimuli)
        by_scene.append(compare_scenes(pair, first, second))
        if none_moved(first, second):
            differences.append(compare_curves(pair))
    segments, segment_comparison, segment_curves = segment_tables(audiences, quality)
    mixed, fit = mixed_model(audiences, presented, config.primary_outcome)
    seconds = {}
    for recording in kept:
        source = baseline_notes["source"]
        seconds[recording.respondent, recording.cell] = recording.baselines[source].seconds
    keys = zip(quality["respondent"], quality["stimulus"], strict=True)
    quality = quality.assign(baseline_s=[seconds.get(key, np.nan) for key in keys])
    if config.baseline != "none":
        quality = remark_baselines(quality)
    return StudyResult(
        config=config,
        stimuli=stimuli,
        quality=quality,
        audiences=audiences,
        curves=stack(curves, _CURVE_COLUMNS),
        metrics=stack(metrics, METRIC_COLUMNS),
        moments=stack(moments, MOMENT_COLUMNS),
        brand=stack(brand, BRAND_COLUMNS),
        synchrony=stack(synchrony, ("stimulus", "signal", "isc", "p", "null_high", "n")),
        synchrony_curves=stack(over_time, ("stimulus", "signal", "time_s", "agreement", "limit")),
        comparison=over_pairs(stack(compared, COMPARISON_COLUMNS)),
        sensitivity=stack([sensitivity(p, presented) for p in pairs], SENSITIVITY_COLUMNS),
        scene_comparison=stack(by_scene, SCENE_COLUMNS),
        difference_curves=stack(
            [d[0] for d in differences],
            ("first", "second", "within", "signal", "time_s", "estimate", "low", "high", "n"),
        ),
        difference_clusters=stack(
            [d[1] for d in differences],
            ("first", "second", "within", "signal", "start_s", "end_s", "sign", "p", "p_holm"),
        ),
        segments=segments,
        segment_comparison=segment_comparison,
        segment_curves=segment_curves,
        mixed=stack([mixed], MIXED_COLUMNS),
        mixed_fit=fit,
        provenance=provenance | {"baseline": baseline_notes},
    )


def scenes_of_pair(pair: Contrast, stimuli: dict[str, Stimulus]) -> list[tuple[Scene, ...]]:
    """Scenes of both sides of a contrast; groups of one stimulus share theirs."""
    if pair.within == "stimuli":
        return [scenes_of(stimuli, name) for name in pair.labels]
    return [scenes_of(stimuli, pair.first.stimulus)] * 2


def gather(kept: list[Recording], config: StudyConfig) -> tuple[dict[str, Audience], dict]:
    """Put the kept recordings of each stimulus on one grid, with one kind of baseline for all.

    One study uses one kind of baseline: the best that every kept recording has.
    """
    source = _baseline_source(kept, config)
    cells: dict[str, list[Recording]] = {}
    for recording in kept:
        cells.setdefault(recording.cell, []).append(recording)
    audiences = {}
    for cell, recordings in cells.items():
        stored, coverage, seconds = _stacked(recordings)
        raw = exact(stored)
        rests = [recording.baselines[source] for recording in recordings]
        audiences[cell] = Audience(
            stimulus=cell,
            respondents=tuple(r.respondent for r in recordings),
            groups=tuple(r.group for r in recordings),
            times=(np.arange(raw.shape[2]) + 0.5) / config.rate_hz,
            raw=raw,
            corrected=departed(raw, rests, config.baseline),
            coverage=coverage,
            facing=np.array([r.facing for r in recordings]),
            seconds=seconds,
            baseline="none" if config.baseline == "none" else source,
            config=config,
            resting=np.stack([rest.mean[2:] for rest in rests]),
            tested=as_tested(raw, rests, config),
        )
    return audiences, {"source": source, "method": config.baseline}


def _stacked(recordings: list[Recording]) -> list[np.ndarray]:
    """The `MEASURED` arrays of all, in which each recording has its own from now on: of ten
    thousand, a second copy is more than a hundred megabytes."""
    first = [getattr(recordings[0], name) for name in MEASURED]
    together = [np.empty((len(recordings), *own.shape), own.dtype) for own in first]
    for i, recording in enumerate(recordings):
        for name, stacked in zip(MEASURED, together, strict=True):
            stacked[i] = getattr(recording, name)
            setattr(recording, name, stacked[i])
    return together


def _baseline_source(kept: list[Recording], config: StudyConfig) -> str:
    for source in ("manifest", "before") if config.baseline_from == "stated" else ("auto",):
        if kept and all(
            source in r.baselines and r.baselines[source].seconds >= config.baseline_min_s
            for r in kept
        ):
            return source
    return "opening"


def _provenance(manifest, quality: pd.DataFrame, made_with: dict) -> dict:
    return {
        "manifest": manifest.source,
        "recordings": len(quality),
        "made_with": {name: sorted(values) for name, values in sorted(made_with.items())},
        "versions": {
            "fer_nb": version("fer_nb"),
            "python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "pandas", "scipy", "mne", "statsmodels")},
        },
    }
