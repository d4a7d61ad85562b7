"""A whole study in one call: manifest in, tables and everything a report needs out."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from fer_nb.files import make_folder
from fer_nb.study.collect import Recording, analyse_ahead, measure_recordings
from fer_nb.study.comparison import COLUMNS as COMPARISON_COLUMNS
from fer_nb.study.comparison import Contrast, compare_curves, compare_metrics, contrasts
from fer_nb.study.config import StudyConfig
from fer_nb.study.curves import Audience, angular, audience_table, correct, smooth, smoothing_bins
from fer_nb.study.loaders import VideoLoader, table_loader
from fer_nb.study.manifest import Stimulus, read_manifest
from fer_nb.study.metrics import COLUMNS as METRIC_COLUMNS
from fer_nb.study.metrics import stimulus_metrics
from fer_nb.study.mixed import mixed_model
from fer_nb.study.moments import COLUMNS as MOMENT_COLUMNS
from fer_nb.study.moments import find_moments
from fer_nb.study.result import StudyResult, full_title, scenes_of, stack
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
_BASELINE_WORDS = {
    "manifest": "the interval that the manifest names for each recording",
    "before": "the last {baseline_s:g} s before the stimulus (as far as recorded)",
    "opening": "the first {opening_s:g} s of the stimulus, since nothing earlier was recorded",
}


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
    workers: int = 1,
    scheduler: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> StudyResult:
    """Run an audience study.

    Parameters
    ----------
    manifest : path
        CSV of recordings, or a folder `stimulus/respondent.mp4`; see `read_manifest`.
    stimuli : path, optional
        CSV of stimuli; `stimuli.csv` beside the manifest if left out.
    tables : mapping or path, optional
        Ready reaction tables (see `table_loader`); without them the videos are analysed.
    out_dir : path, optional
        Where the tables go; analysed videos are kept in `tables/` there and not analysed again.
    config : StudyConfig, optional
    model, detector, every
        As `fer_nb.analyze_video`.
    workers, scheduler
        Videos are analysed side by side in so many processes, or on the Dask cluster at this
        address (see `fer_nb.cluster`), for which there must be an `out_dir`.
    progress : callable, optional
        Called with (recordings done, recordings in all).

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
    if tables is not None:
        load = table_loader(tables, described.recordings.to_dict("records"))
    else:
        cache = make_folder(Path(out_dir) / "tables") if out_dir is not None else None
        load = VideoLoader(cache, model=model, detector=detector, every=every)
        if workers != 1 or scheduler is not None:
            analyse_ahead(described, load, progress, workers=workers, scheduler=scheduler)
            progress = None  # what is left is done in no time
    quality, kept, durations, made_with = measure_recordings(described, load, config, progress)
    titles = {
        name: Stimulus(s.name, s.title, s.video, durations[name], s.scenes)
        for name, s in described.stimuli.items()
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
    curves, metrics, moments, sentences = [], [], [], {}
    synchrony, over_time = [], []
    for name, audience in audiences.items():
        scenes = scenes_of(stimuli, name)
        for group, part in audience.parts().items():
            curves.append(audience_table(part, group))
            metrics.append(stimulus_metrics(part, group, scenes))
        found, sentences[name] = find_moments(audience)
        moments.append(found)
        one, timed = synchrony_tables(audience)
        synchrony.append(one)
        over_time.append(timed)
    pairs = contrasts(audiences)
    compared = [compare_metrics(pair) for pair in pairs]
    differences = [compare_curves(pair) for pair in pairs]
    mixed, sentence = mixed_model(audiences)
    notes = [_note(pair, stimuli) for pair in pairs if pair.note]
    if len(audiences) > 1:
        notes.append(sentence)
    seconds = {}
    for recording in kept:
        source = baseline_notes["source"]
        seconds[recording.respondent, recording.cell] = recording.baselines[source].seconds
    keys = zip(quality["respondent"], quality["stimulus"], strict=True)
    quality = quality.assign(baseline_s=[seconds.get(key, np.nan) for key in keys])
    return StudyResult(
        config=config,
        stimuli=stimuli,
        quality=quality,
        audiences=audiences,
        curves=stack(curves, _CURVE_COLUMNS),
        metrics=stack(metrics, METRIC_COLUMNS),
        moments=stack(moments, MOMENT_COLUMNS),
        moment_sentences=sentences,
        synchrony=stack(synchrony, ("stimulus", "signal", "isc", "p", "null_high", "n")),
        synchrony_curves=stack(over_time, ("stimulus", "signal", "time_s", "agreement", "limit")),
        comparison=stack(compared, COMPARISON_COLUMNS),
        difference_curves=stack(
            [d[0] for d in differences],
            ("first", "second", "within", "signal", "time_s", "estimate", "low", "high", "n"),
        ),
        difference_clusters=stack(
            [d[1] for d in differences],
            ("first", "second", "within", "signal", "start_s", "end_s", "sign", "p", "p_holm"),
        ),
        mixed=mixed,
        comparison_notes=notes,
        provenance=provenance | {"baseline": baseline_notes},
    )


def _note(pair: Contrast, stimuli: dict) -> str:
    names = pair.labels
    if pair.within == "stimuli":
        names = [f"“{full_title(stimuli, name)}”" for name in names]
    return f"{names[0]} and {names[1]}: {pair.note}."


def gather(kept: list[Recording], config: StudyConfig) -> tuple[dict[str, Audience], dict]:
    """Put the kept recordings of each stimulus on one grid, with one kind of baseline for all.

    One study uses one kind of baseline: the best that every kept recording has.
    """
    source = _baseline_source(kept, config)
    words = _BASELINE_WORDS[source].format(**config.as_dict())
    if config.baseline == "none":
        words = "none: values are as measured"
    cells: dict[str, list[Recording]] = {}
    for recording in kept:
        cells.setdefault(recording.cell, []).append(recording)
    audiences = {}
    for cell, recordings in cells.items():
        raw = np.stack([r.raw for r in recordings])
        corrected = np.stack(
            [correct(r.raw, r.baselines[source], config.baseline) for r in recordings]
        )
        audiences[cell] = Audience(
            stimulus=cell,
            respondents=tuple(r.respondent for r in recordings),
            groups=tuple(r.group for r in recordings),
            times=(np.arange(raw.shape[2]) + 0.5) / config.rate_hz,
            raw=raw,
            corrected=corrected,
            coverage=np.stack([r.coverage for r in recordings]),
            seconds=np.stack([r.seconds for r in recordings]),
            baseline=words,
            config=config,
            resting=np.stack([r.baselines[source].mean[2:] for r in recordings]),
            tested=smooth(
                angular(raw)
                - np.stack([r.baselines[source].angular for r in recordings])[..., None],
                smoothing_bins(config),
            ),
        )
    return audiences, {"source": source, "words": words, "method": config.baseline}


def _baseline_source(kept: list[Recording], config: StudyConfig) -> str:
    for source in ("manifest", "before"):
        if kept and all(
            source in r.baselines and r.baselines[source].seconds >= config.baseline_min_s
            for r in kept
        ):
            return source
    return "opening"


def _provenance(manifest, quality: pd.DataFrame, made_with: dict) -> dict:
    import mne
    import scipy
    import statsmodels

    from fer_nb import __version__

    return {
        "manifest": manifest.source,
        "recordings": len(quality),
        "made_with": {name: sorted(values) for name, values in sorted(made_with.items())},
        "versions": {
            "fer_nb": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pandas": pd.__version__,
            "scipy": scipy.__version__,
            "mne": mne.__version__,
            "statsmodels": statsmodels.__version__,
        },
    }
