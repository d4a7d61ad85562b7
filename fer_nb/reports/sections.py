"""Parts of a study's report as HTML: moments, quality, numbers, method, appendix."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from fer_nb.errors import FerError
from fer_nb.media import VideoReader
from fer_nb.reports.figures import signal_color
from fer_nb.reports.html import (
    Html,
    box,
    card,
    cards,
    estimate,
    facts,
    joined,
    paragraphs,
    table,
)
from fer_nb.reports.sentences import moments_sentence, sensitivity
from fer_nb.reports.words import (
    baseline_text,
    ends_text,
    metric_name,
    notes_text,
    number,
    p_phrase,
    p_text,
    people,
    percent,
    range_text,
    reasons_text,
    signal_name,
    sure_text,
    time_code,
    title_of,
    value_text,
)
from fer_nb.study.config import TESTED
from fer_nb.study.expressed import ONSET_S
from fer_nb.study.metrics import MEANING
from fer_nb.study.result import StudyResult, stimulus_of


def stimulus_frames(result: StudyResult, stimulus: str, times) -> list[np.ndarray]:
    """Pictures of the stimulus at some times; none where its video is absent or unreadable."""
    video = stimulus_of(result.stimuli, stimulus).film
    if video is None or not video.is_file():
        return []
    try:
        with VideoReader(video) as source:
            return [source.frame_at(float(t)).image for t in times]
    except FerError:
        return []


def strip(result: StudyResult, stimulus: str, count: int = 10) -> list[np.ndarray]:
    """Pictures for the strip over the hero curve, at even distances, shrunk."""
    end = result.audiences[stimulus].duration_s
    frames = stimulus_frames(result, stimulus, (np.arange(count) + 0.5) * end / count)
    step = max(1, min((f.shape[1] // 240 for f in frames), default=1))
    return [f[::step, ::step] for f in frames]


def moment_cards(result: StudyResult, stimulus: str, top: list[int]) -> Html:
    """The moments of the first page, numbered as in the hero figure, with stimulus pictures."""
    if not top:
        return box(moments_sentence(result, stimulus))
    moments = result.moments.loc[top]
    frames = stimulus_frames(result, stimulus, moments["peak_s"])
    items = []
    for k, (m, frame) in enumerate(
        zip(moments.to_dict("records"), frames or [None] * len(top), strict=True), start=1
    ):
        sure = f"corrected {p_phrase(m['p_holm'])}"
        if m["status"] == "untested":
            sure = "seen, not tested"
        showed = round(m["share"] * m["n"]) if m["n"] else 0
        shown = f"{showed} of {people(m['n'])} showed it"
        if m["signal"] in ("valence", "arousal"):
            shown = shown.replace("showed it", "moved the same way")
        lines = [
            value_text(m["signal"], m["effect"]),
            range_text(m["signal"], m["low"], m["high"], result.config.level),
            f"{shown}; {sure}",
        ]
        head = f"{k}  {time_code(m['start_s'])}–{time_code(m['end_s'])}  "
        name, color = signal_name(m["signal"]), signal_color(m["signal"])
        items.append(card(frame, head + name, lines, color))
    return cards(items)


def moments_table(result: StudyResult, stimulus: str) -> Html:
    """Every moment of one stimulus; none is a sentence."""
    moments = result.moments[result.moments["stimulus"] == stimulus]
    sentence = box(moments_sentence(result, stimulus))
    if moments.empty:
        return sentence
    rows = [
        [
            f"{time_code(m['start_s'])}–{time_code(m['end_s'])}",
            signal_name(m["signal"]),
            value_text(m["signal"], m["effect"]),
            "–" if np.isnan(m["low"]) else ends_text(m["signal"], m["low"], m["high"], digits=0),
            f"{m['share']:.0%} ({m['share_low']:.0%}–{m['share_high']:.0%})" if m["n"] else "–",
            m["n"],
            sure_text(m),
            p_text(m["p_holm"]),
        ]
        for m in _by_evidence(moments).to_dict("records")
    ]
    header = ["when", "what", "change", f"{percent(result.config.level)} interval"]
    header += ["respondents", "n", "how sure", "p (corrected)"]
    note = paragraphs(
        "Respondents: of the n measured in at least half of the moment, the share who showed it "
        "or, for valence and arousal, moved the same way."
    )
    return joined(sentence, table(rows, header, {2, 3, 5, 7}), note)


def _by_evidence(moments: pd.DataFrame) -> pd.DataFrame:
    """Moments beyond chance in order of time, the small ones, and the others; largest first."""
    scale = np.where(moments["signal"].isin(["valence", "arousal"]), 1 / 3, 1.0)
    significant = moments["status"] == "significant"
    rank = np.select([significant, moments["status"] == "small"], [0, 1], 2)
    then = np.where(significant, moments["start_s"], -moments["effect"].abs() * scale)
    return moments.iloc[np.lexsort((then, rank))]


def quality_table(result: StudyResult, most: int = 60) -> Html:
    """Every recording with what was measured, and why some were left out.

    Of more than `most` recordings only those with a reason or a remark are shown.
    """
    quality = result.quality
    note = Html()
    if len(quality) > most:
        odd = quality[
            (quality["status"] != "kept")
            | (quality[["notes", "messages"]].fillna("") != "").any(axis=1)
        ]
        note = paragraphs(
            f"{len(odd)} of {len(quality)} recordings, those excluded or remarked on; all are in "
            "quality.csv."
        )
        quality = odd
    several, limits = len(result.stimuli) > 1, result.config.as_dict()
    rows = []
    for q in quality.to_dict("records"):
        rows.append(
            [
                q["respondent"],
                *([q["stimulus"]] if several else []),
                q["status"],
                number(100 * q["face_share"], 0),
                number(q["longest_gap_s"], 1),
                number(q["effective_fps"], 1),
                number(q["jitter_ms"], 0),
                number(q["brightness"], 0),
                number(q["contrast"], 0),
                number(q["face_px"], 0),
                number(100 * q["facing_share"], 0),
                "; ".join(filter(None, (reasons_text(q, limits), notes_text(q)))),
            ]
        )
    header = ["respondent", *(["stimulus"] if several else []), "status", "seen, %", "gap, s"]
    header += ["fps", "jitter, ms", "light", "contrast", "face, px", "facing, %"]
    numbers = set(range(header.index("seen, %"), len(header)))
    return joined(note, table(rows, [*header, "why, and remarks"], numbers))


def exclusions(result: StudyResult) -> Html:
    """How many were invited, recorded and kept; who was left out and why."""
    c, quality = result.counts(), result.quality
    share = float((quality["status"] != "kept").mean()) if len(quality) else 0.0
    told = f"{people(c['invited'])} invited, {c['recorded']} recorded"
    groups = list(quality.groupby("stimulus", sort=False))
    if len(groups) < 2:
        lost = c["invited"] - c["kept"]
        lines = [f"{told}, {c['kept']} kept ({lost} lost, {lost / max(c['invited'], 1):.0%})."]
    else:
        kept = int((quality["status"] == "kept").sum())
        lines = [f"{told}; {kept} of {len(quality)} recordings kept."]
        lines += [_kept_of(result, str(name), rows) for name, rows in groups]
    out = result.quality[result.quality["status"] != "kept"]
    lines += [
        f"{q['respondent']}, {q['stimulus']}: "
        f"{'could not be read' if q['status'] == 'failed' else 'excluded'} – "
        f"{reasons_text(q, result.config.as_dict())}."
        for q in out.to_dict("records")
    ]
    if not len(out):
        lines.append("No recording was left out.")
    return box(lines, warn=share > 0.25)


def _kept_of(result: StudyResult, stimulus: str, rows: pd.DataFrame) -> str:
    kept = int((rows["status"] == "kept").sum())
    text = f"{title_of(result, stimulus)}: {kept} of {len(rows)} recordings kept"
    lacking = sorted(set(result.quality["respondent"]) - set(rows["respondent"]))
    if 0 < len(lacking) < len(rows):  # else not everybody was meant to see it
        text += f"; no recording of {', '.join(lacking[:8])}"
        text += f" and {len(lacking) - 8} more" if len(lacking) > 8 else ""
    return f"{text}."


def _interval(row, scale=1.0, digits=2) -> str:
    """An estimate with its interval below it."""
    text = number(scale * row.estimate, digits)
    if np.isnan(row.estimate) or np.isnan(row.low):
        return text
    low, high = number(scale * row.low, digits), number(scale * row.high, digits)
    return estimate(text, f"{low} to {high}")


def metrics_table(result: StudyResult, stimulus: str, group: str = "all") -> Html:
    """The numbers of a whole stimulus: one row per signal, one column per metric."""
    part = result.metrics
    part = part[(part["stimulus"] == stimulus) & (part["group"] == group)]
    part = part[part["scope"] == "whole"].set_index(["signal", "metric"])
    names = {metric: metric_name(metric, result.config) for metric in _meanings()}
    names["peak_time"] += ", s"
    columns = list(names)
    tables = []
    for chosen in (columns[:5], columns[5:]):  # two narrow tables fit on a printed page
        rows = []
        for signal in TESTED:
            points = signal in ("valence", "arousal")
            row = [signal_name(signal)]
            for metric in chosen:
                if (signal, metric) not in part.index:
                    row.append("")
                    continue
                found = part.loc[(signal, metric)]
                if metric == "peak_time":
                    row.append(_interval(found, digits=1))
                else:
                    row.append(_interval(found, 1 if points else 100, 2 if points else 0))
            rows.append(row)
        tables.append(table(rows, ["", *[names[c] for c in chosen]], {1, 2, 3, 4, 5}))
    return joined(*tables, paragraphs(_behind(part["n"]), sensitivity(result, stimulus)))


def _behind(n: pd.Series) -> str:
    """How many respondents numbers stand for."""
    least, most = int(n.min()), int(n.max())
    told = people(most) if least == most else f"{least} to {people(most)}"
    return f"n: {told}."


def scenes_table(result: StudyResult, stimulus: str) -> Html:
    """Share of respondents who showed each emotion in each scene."""
    part = result.metrics
    part = part[(part["stimulus"] == stimulus) & (part["group"] == "all")]
    part = part[(part["scope"] != "whole") & (part["metric"] == "ever_expressed")]
    if part.empty:
        return paragraphs("No scenes are described for this stimulus.")
    known = {scene.name: scene for scene in stimulus_of(result.stimuli, stimulus).scenes}
    rows = []
    for name in dict.fromkeys(part["scope"]):
        scene, one = known[name], part[part["scope"] == name].set_index("signal")
        rows.append(
            [f"{name} ({scene.start_s:g}–{scene.end_s:g} s)"]
            + [_interval(one.loc[s], 100, 0) for s in TESTED[2:]]
            + [int(one["n"].max())]
        )
    header = ["scene", *[signal_name(s) for s in TESTED[2:]], "n"]
    note = paragraphs(
        "Respondents who began to show it in the scene, % "
        f"({percent(result.config.level)} interval). A reaction comes later than its cause: a "
        f"scene counts from {result.config.scene_lag_s:g} s after its start (one that begins "
        "the film from 0 s), and as long after its end."
    )
    return joined(note, table(rows, header, set(range(1, 9))))


def synchrony_table(result: StudyResult, stimulus: str) -> Html:
    """Inter-subject correlation of one stimulus, against shifted audiences."""
    rows = []
    for s in result.synchrony[result.synchrony["stimulus"] == stimulus].itertuples():
        p = "not tested" if np.isnan(s.p) else p_text(s.p)
        rows.append([s.signal, number(s.isc, 2), number(s.null_high, 2), p, int(s.n)])
    header = ["", "correlation", "95% of shifted ones below", "p", "n"]
    return table(rows, header, {1, 2, 3, 4})


def method(result: StudyResult) -> Html:
    """What was done, in plain words, with the parameters that were used."""
    c = result.config
    source = "none" if c.baseline == "none" else result.provenance["baseline"]["source"]
    baseline = baseline_text(source, c)
    off = {
        "difference": "was subtracted",
        "z": "was subtracted, and the difference divided by the baseline’s own spread",
        "none": "was not subtracted",
    }[c.baseline]
    told = [
        f"A network read nine expressions, valence and arousal from each frame of each recording. "
        f"Readings were aligned with the stimulus in bins of {1 / c.rate_hz:g} s; a bin "
        f"counts where the face was measured for at least {c.min_bin_coverage:.0%} of it, and is "
        "otherwise missing: nothing was filled in. n under the curves says how many were seen.",
        f"Baseline: {baseline}{_measured(result)}. Each person’s own baseline {off}, so that a "
        "stern or a cheerful face at rest does not count as a reaction. Curves are smoothed by a "
        f"moving average of {c.smooth_s:g} s.",
        f"Shaded bands are pointwise {percent(c.level)} intervals of the mean: {c.n_boot} "
        "resamples of respondents, since people, not frames, are the unit. "
        f"Moments come from a cluster-based permutation test over time ({c.n_permutations} sign "
        f"flips of whole respondents; clusters formed at p < {c.cluster_p:g}), Holm-corrected "
        f"over {len(TESTED)} signals at {percent(c.alpha)}, within each stimulus. Where a "
        "moment begins and ends is not tested; its size is measured where it was found, which "
        "makes it slightly too large. "
        f"Below {c.min_n_test} respondents moments are listed as seen, and not tested.",
        "“Showed” (or expressed) is judged against the person’s own face: on average over a whole "
        f"second the score lay at least {100 * c.expressed_rise:g} of 100 above the person’s "
        f"baseline, and {c.expressed_spreads:g} times the person’s own resting spread above what "
        f"is usual for them, and it had risen by as much within {ONSET_S} s (a slower rise counts "
        "as mood). How often these intervals and tests are wrong was measured on "
        "thousands of simulated studies: see docs/statistics.md of the package.",
    ]
    return paragraphs(*told)


def _measured(result: StudyResult) -> str:
    """How much of the baseline the kept recordings really have."""
    seconds = result.quality["baseline_s"].dropna()
    if seconds.empty or result.config.baseline == "none":
        return ""
    low, high = (number(end, 1) for end in (seconds.min(), seconds.max()))
    return f", of which {low if low == high else f'{low} to {high}'} s were measured"


def metric_meanings(result: StudyResult) -> Html:
    """What each number of the tables is."""
    return facts({metric_name(name, result.config): text for name, text in _meanings().items()})


def _meanings() -> dict[str, str]:
    """The metrics of signals; scores are numbers of their own."""
    return {name: text for name, text in MEANING.items() if name != "score"}


def appendix(result: StudyResult) -> Html:
    """Every parameter, version and hash."""
    p = result.provenance
    made = {
        f"recordings: {name.replace('_', ' ')}": "; ".join(_settings(value) for value in values)
        for name, values in p.get("made_with", {}).items()
    }
    films = {f"stimulus {s.name}": _film(s) for s in result.stimuli.values()}
    versions = {f"version: {k}": v for k, v in p["versions"].items()}
    parameters = {f"parameter: {k}": v for k, v in result.config.as_dict().items()}
    hashes = {
        f"sha256: {q.recording}": q.sha256
        for q in result.quality.itertuples()
        if isinstance(q.sha256, str)
    }
    return facts(
        {"manifest": p["manifest"], "recordings": p["recordings"]}
        | films
        | made
        | versions
        | parameters
        | hashes
    )


def _film(stimulus) -> str:
    length = "of unknown length"
    if not np.isnan(stimulus.duration_s):
        length = f"{stimulus.duration_s:.2f} s"
    return f"{length}, {stimulus.film.name if stimulus.film else 'no video'}"


def _settings(text: str) -> str:
    """Settings kept as JSON in print; other text as it is."""
    try:
        values = json.loads(text)
    except ValueError:
        return "not stated" if text == "None" else text
    if values is None:
        return "none"
    if not isinstance(values, dict):
        return text
    return ", ".join(
        f"{name} {value:.3f}" if isinstance(value, float) else f"{name} {value}"
        for name, value in values.items()
    )
