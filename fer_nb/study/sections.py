"""Parts of a study's report as HTML: moments, quality, numbers, norms, method, appendix."""

from __future__ import annotations

import json
from html import escape

import numpy as np
import pandas as pd

from fer_nb.errors import FerError
from fer_nb.media import VideoReader
from fer_nb.pages import Html, box, card, cards, facts
from fer_nb.study.config import TESTED
from fer_nb.study.figures import signal_color
from fer_nb.study.metrics import MEANING
from fer_nb.study.result import StudyResult, stimulus_of
from fer_nb.study.words import (
    metric_name,
    number,
    p_phrase,
    p_text,
    people,
    percent,
    range_text,
    signal_name,
    title_of,
    value_text,
)
from fer_nb.summary import time_code


def subhead(text: str) -> Html:
    """Return a heading below the section's."""
    return Html(f"<h3>{escape(text)}</h3>")


def html_table(rows: list[list], header: list[str], numbers: set[int] = frozenset()) -> Html:
    """Return a table that scrolls in its own box; columns in `numbers` are set flush right."""

    def cells(tag, row):
        # Inline, since notebooks don't have the page's style; heads of columns may wrap.
        right = " class=number" + (" style=white-space:nowrap" if tag == "td" else "")
        return "".join(
            f"<{tag}{right if k in numbers else ''}>"
            f"{v if isinstance(v, Html) else escape(str(v))}</{tag}>"
            for k, v in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return Html(
        f'<div class="scroll"><table><thead><tr>{cells("th", header)}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def stimulus_frames(result: StudyResult, stimulus: str, times) -> list[np.ndarray]:
    """Pictures of the stimulus at some times; none where its video is absent or unreadable."""
    video = stimulus_of(result.stimuli, stimulus).video
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
        return box(result.moment_sentences[stimulus])
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
    sentence = box(result.moment_sentences[stimulus])
    if moments.empty:
        return sentence
    rows = [
        [
            f"{time_code(m.start_s)}–{time_code(m.end_s)}",
            signal_name(m.signal),
            value_text(m.signal, m.effect),
            range_text(m.signal, m.low, m.high, result.config.level),
            f"{m.share:.0%} ({m.share_low:.0%}–{m.share_high:.0%})" if m.n else "–",
            m.n,
            "not tested" if m.status == "untested" else p_text(m.p_holm),
        ]
        for m in moments.itertuples()
    ]
    header = ["when", "what", "change", "interval", "respondents", "n", "p (corrected)"]
    note = (
        "<p>Respondents: how many of the n who were measured in at least half of it showed it, or, "
        "of valence and arousal, moved the same way.</p>"
    )
    return Html(sentence + html_table(rows, header, {5, 6}) + note)


def quality_table(result: StudyResult, most: int = 60) -> Html:
    """Every recording with what was measured, and why some were left out.

    Of more than `most` recordings only those with a reason or a remark are shown.
    """
    quality = result.quality
    note = ""
    if len(quality) > most:
        odd = quality[(quality["status"] != "kept") | (quality["notes"].fillna("") != "")]
        note = (
            f"<p>{len(odd)} of {len(quality)} recordings with a reason or a remark; all are in "
            "quality.csv.</p>"
        )
        quality = odd
    several = len(result.stimuli) > 1
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
                number(100 * q["off_frontal_share"], 0),
                "; ".join(str(t) for t in (q["reasons"], q["notes"]) if isinstance(t, str) and t),
            ]
        )
    header = ["respondent", *(["stimulus"] if several else []), "status", "seen, %", "gap, s"]
    header += ["fps", "jitter, ms", "light", "contrast", "face, px", "turned, %"]
    numbers = set(range(header.index("seen, %"), len(header)))
    return Html(note + html_table(rows, [*header, "why, and remarks"], numbers))


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
        f"{q.respondent}, {q.stimulus}: "
        f"{'could not be read' if q.status == 'failed' else 'excluded'} – {q.reasons}."
        for q in out.itertuples()
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


def _interval(row, scale=1.0, digits=2) -> Html:
    """An estimate with its interval below it."""
    text = number(scale * row.estimate, digits)
    if np.isnan(row.estimate) or np.isnan(row.low):
        return Html(text)
    low, high = number(scale * row.low, digits), number(scale * row.high, digits)
    return Html(f'{text}<br><span class="soft">{low} to {high}</span>')


def metrics_table(result: StudyResult, stimulus: str, group: str = "all") -> Html:
    """The numbers of a whole stimulus: one row per signal, one column per metric."""
    part = result.metrics
    part = part[(part["stimulus"] == stimulus) & (part["group"] == group)]
    part = part[part["scope"] == "whole"].set_index(["signal", "metric"])
    names = {metric: metric_name(metric, result.config) for metric in MEANING}
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
        tables.append(html_table(rows, ["", *[names[c] for c in chosen]], {1, 2, 3, 4, 5}))
    return Html("".join(tables) + f"<p>{_behind(part['n'])}</p>")


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
        return Html("<p>No scenes are described for this stimulus.</p>")
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
    return Html(
        "<p>Respondents who showed it for at least a second of the scene, % "
        f"({percent(result.config.level)} interval).</p>"
        + html_table(rows, header, set(range(1, 9)))
    )


def synchrony_table(result: StudyResult, stimulus: str) -> Html:
    """Inter-subject correlation of one stimulus, against shifted audiences."""
    rows = []
    for s in result.synchrony[result.synchrony["stimulus"] == stimulus].itertuples():
        p = "not tested" if np.isnan(s.p) else p_text(s.p)
        rows.append([s.signal, number(s.isc, 2), number(s.null_high, 2), p, int(s.n)])
    header = ["", "correlation", "95% of shifted ones below", "p", "n"]
    return html_table(rows, header, {1, 2, 3, 4})


def norms_table(norms) -> Html:
    """Percentiles among past studies, of the signals that are tested."""
    rows = []
    for n in norms.table.itertuples():
        if n.signal not in TESTED:
            continue
        scale, digits = (1, 2) if n.signal in ("valence", "arousal") else (100, 1)
        rows.append(
            [
                signal_name(n.signal),
                metric_name(n.metric),
                number(scale * n.estimate, digits),
                number(n.percentile, 0),
                "–" if np.isnan(n.low) else f"{number(n.low, 0)} to {number(n.high, 0)}",
                n.studies,
            ]
        )
    header = ["", "number", "value", "percentile", "interval, as percentiles", "past stimuli"]
    note = (
        "<p>Valence and arousal in points, emotions in percent. The interval is this study’s own "
        "uncertainty, without that of so few past stimuli. A small audience’s peak comes out too "
        "high, and maximum and peak rise with the length of the film: compare audiences and films "
        "of like size.</p>"
    )
    return Html(html_table(rows, header, {2, 3, 4, 5}) + note)


def method(result: StudyResult) -> Html:
    """What was done, in plain words, with the parameters that were used."""
    c = result.config
    baseline = result.provenance["baseline"]["words"]
    off = {
        "difference": "was taken off",
        "z": "was taken off, and the rest divided by its spread",
        "none": "was not taken off",
    }[c.baseline]
    paragraphs = [
        f"A network read nine expressions, valence and arousal from each frame of each recording. "
        f"Readings were put on the clock of the stimulus in bins of {1 / c.rate_hz:g} s; a bin "
        f"counts where the face was measured for at least {c.min_bin_coverage:.0%} of it, and is "
        "otherwise missing: nothing was filled in. n under the curves says how many were seen.",
        f"Baseline: {baseline}{_measured(result)}. Each person’s own baseline {off}, so that a "
        "stern or a cheerful face at rest does not count as a reaction. Curves are smoothed by a "
        f"moving average of {c.smooth_s:g} s.",
        f"Shaded bands are pointwise {percent(c.level)} intervals of the mean: {c.n_boot} "
        "resamples of respondents, since people, not frames, are the unit. "
        f"Moments come from a cluster-based permutation test over time ({c.n_permutations} flips "
        f"of whole persons; clusters formed at p < {c.cluster_p:g}), corrected over "
        f"{len(TESTED)} signals after Holm at {percent(c.alpha)}, within each stimulus. A moment’s "
        "ends are where it is visible, not tested times; its size is read off where it was "
        "found, which makes it a little too large. "
        f"Below {c.min_n_test} respondents moments are listed as seen, and not tested.",
        f"“Showed” (or expressed) means a probability of at least {c.expressed_threshold:g} on "
        f"average over a whole second, and at least {c.expressed_rise:g} above the person’s "
        "baseline. How often these intervals and tests are wrong was measured on thousands "
        "of simulated studies: see docs/statistics.md of the package.",
    ]
    return Html("".join(f"<p>{escape(p)}</p>" for p in paragraphs))


def _measured(result: StudyResult) -> str:
    """How much of the baseline the kept recordings really have."""
    seconds = result.quality["baseline_s"].dropna()
    if seconds.empty or result.config.baseline == "none":
        return ""
    low, high = (number(end, 1) for end in (seconds.min(), seconds.max()))
    return f", of which {low if low == high else f'{low} to {high}'} s were measured"


def metric_meanings(result: StudyResult) -> Html:
    """What each number of the tables is."""
    return facts({metric_name(name, result.config): text for name, text in MEANING.items()})


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
    return f"{length}, {stimulus.video.name if stimulus.video else 'no video'}"


def _settings(text: str) -> str:
    """Settings kept as JSON in print; other text as it is."""
    try:
        values = json.loads(text)
    except ValueError:
        return text
    if not isinstance(values, dict):
        return text
    return ", ".join(
        f"{name} {value:.3f}" if isinstance(value, float) else f"{name} {value}"
        for name, value in values.items()
    )
