"""The words of a report: numbers with their units, names of signals, codes in plain English."""

from __future__ import annotations

import math
from collections.abc import Mapping

from fer_nb.person import LIMIT_OF
from fer_nb.study.config import TESTED, StudyConfig
from fer_nb.study.result import StudyResult, full_title

UNITS = {signal: "score, 0–100" for signal in TESTED} | {
    "valence": "points",
    "arousal": "points",
}
_NOUNS = {
    "p_anger": "anger",
    "p_contempt": "contempt",
    "p_disgust": "disgust",
    "p_fear": "fear",
    "p_happy": "happiness",
    "p_neutral": "neutral",
    "p_sad": "sadness",
    "p_surprise": "surprise",
    "p_uncertain": "uncertain",
}
_ADJECTIVES = {
    "anger": "angry",
    "contempt": "contemptuous",
    "disgust": "disgusted",
    "fear": "afraid",
    "surprise": "surprised",
}
_SHARES = ("attention", "positive", "negative", "retain")
_SCORE_UNITS = {"expressiveness": "of 100", "capture": "s"} | dict.fromkeys(_SHARES, "%")
# How sure a moment is, by its status.
_SURE = {
    "significant": "beyond chance",
    "small": "beyond chance, but small",
    "not_significant": "seen, not beyond chance",
    "untested": "seen, not tested",
}
# What a recording lacks: what was measured, and the limit that it does not keep.
_REASONS = {
    "brightness": "too dark (brightness {:.0f}, minimum {:g})",
    "contrast": "contrast too low ({:.1f}, minimum {:g})",
    "face_share": "face seen {:.0%} of the time (minimum {:.0%})",
    "longest_gap_s": "no face for {:.0f} s (maximum {:g} s)",
    "effective_fps": "{:.1f} frames per second (minimum {:g})",
    "face_px": "face {:.0f} px wide (minimum {:g})",
    "facing_share": "facing the camera {:.0%} of the time the face was seen (minimum {:.0%})",
    "other_face_share": "a second face in {:.0%} of the frames (maximum {:.0%})",
    "damaged_share": "{:.0%} of the frames are damaged or lost (maximum {:.0%})",
}
# ... and what helps the next time.
_KEEP_IN_PICTURE = (
    "keep the whole face in the picture; if it is there, try another detector (--detector yunet)"
)
_REMEDIES = {
    "brightness": "light the face from the front",
    "contrast": "light the face from the front, and clean the lens",
    "face_share": _KEEP_IN_PICTURE,
    "longest_gap_s": _KEEP_IN_PICTURE,
    "effective_fps": "record in better light, with other programs closed",
    "face_px": "move the camera closer, or record at a higher resolution",
    "facing_share": "put the camera on top of the screen being watched",
    "other_face_share": "film one person, or leave out small faces with --min-face",
    "damaged_share": "copy the file again, or record again",
}
_NOTES = {
    "recording_ends": "recording ends at {recorded_s:.1f} s of {stimulus_s:.1f} s",
    "left_early": "face last seen at {left_at_s:.1f} s; counts only while seen",
    "tilted": "head tilted by {tilt_deg:.0f}° (median): the camera may be tilted",
    "second_face": "a second face in {other_face_share:.0%} of the frames",
    "seldom_seen": "face seen only {face_share:.0%} of the time",
    "short_baseline": "baseline of only {baseline_s:.1f} s",
    "same_file": "counted under two names",
    "slow_camera": "{effective_fps:.0f} frames per second; the file says {nominal_fps:.0f}",
}


def sure_text(moment: Mapping) -> str:
    """How sure a moment is; where too few moved, how many did."""
    if moment["status"] == "few_moved":
        return f"large in the mean, but only {moment['moved']} of {moment['moved_of']} moved"
    return _SURE[moment["status"]]


def signal_name(signal: str) -> str:
    """A signal as a noun: "happiness" for `p_happy`, valence and arousal as they are."""
    return _NOUNS.get(signal, signal)


def number(value: float, digits: int = 2, sign: bool = False) -> str:
    """A number as printed: a true minus, no "-0", a dash where it is not known."""
    if value is None or math.isnan(value):
        return "–"
    rounded = round(float(value), digits) + 0.0
    return f"{rounded:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def p_text(p: float) -> str:
    """A p-value in a table: three digits, "< 0.001" below them, a dash where nothing was tested."""
    return "< 0.001" if p < 0.0005 else number(p, 3)


def p_phrase(p: float) -> str:
    """A p-value in a sentence.

    Examples
    --------
    >>> p_phrase(0.0001), p_phrase(0.0262)
    ('p < 0.001', 'p = 0.026')
    """
    text = p_text(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def metric_name(metric: str, config: StudyConfig | None = None) -> str:
    """A metric as the report names it, with the seconds that it looks at if `config` is given."""
    names = {"peak_end": "peak–end"}
    if config is not None:
        names |= {"first": f"first {config.first_s:g} s", "last": f"last {config.last_s:g} s"}
    return names.get(metric, metric.replace("_", " "))


def value_text(signal: str, value: float) -> str:
    """A change of a signal with its unit: points of the 1–7 scale, or of a score from 0 to 100."""
    if math.isnan(value):
        return "not known"
    if signal in ("valence", "arousal"):
        return f"{number(value, 2, True)} points"
    return f"{number(100 * value, 0, True)} of 100"


def size_text(signal: str, value: float, sign: bool = False) -> str:
    """A number of a signal without its unit: two decimals for points, none for scores of 100."""
    rating = signal in ("valence", "arousal")
    return number(value if rating else 100 * value, 2 if rating else 1, sign)


def score_unit(key: str) -> str:
    """The unit in which `score_text` writes a score of `fer_nb.study.scores`."""
    return _SCORE_UNITS.get(key, "points")


def score_text(key: str, value: float) -> str:
    """A score as printed, in the unit of `score_unit`."""
    if key in _SHARES:
        return number(100 * value, 0)
    if key == "expressiveness":
        return number(value, 0)
    if key == "capture":
        return number(value, 1)
    return number(value, 2, True)


def score_ends(key: str, low: float, high: float) -> str:
    """The interval of a score as printed, in the unit of `score_unit`."""
    if math.isnan(low):
        return "too few for an interval"
    if alike(low, high):
        return "all alike"
    if score_unit(key) == "points":
        return ends_text("valence", low, high)
    return f"{score_text(key, low)} to {score_text(key, high)}"


def alike(low: float, high: float) -> bool:
    """Whether an interval has no width: a sample of equals does not tell how others differ."""
    return math.isclose(low, high, rel_tol=1e-6, abs_tol=1e-9)


def outcome_name(config: StudyConfig) -> str:
    """The primary outcome in words.

    Examples
    --------
    >>> outcome_name(StudyConfig()), outcome_name(StudyConfig(primary="last:p_happy"))
    ('mean change of valence', 'change of happiness in the last 5 s')
    """
    metric, signal = config.primary_outcome
    name = signal_name(signal)
    return {
        "average": f"mean change of {name}",
        "first": f"change of {name} in the first {config.first_s:g} s",
        "last": f"change of {name} in the last {config.last_s:g} s",
        "peak_end": f"peak–end of {name}",
    }[metric]


def range_text(signal: str, low: float, high: float, level: float) -> str:
    """An interval in words; says where there is none."""
    if math.isnan(low) or math.isnan(high):
        return "too few people for an interval"
    return f"{percent(level)} interval {ends_text(signal, low, high, digits=0)}"


def ends_text(signal: str, low: float, high: float, *, digits: int = 1, sign: bool = True) -> str:
    """The ends of an interval, without their unit: two decimals for points, `digits` for scores.

    A digit more is printed where rounding would hide on which side of 0 an end lies.

    Examples
    --------
    >>> ends_text("valence", 0.04, 0.33), ends_text("p_happy", 0.0002, 0.01)
    ('+0.04 to +0.33', '+0.02 to +1.00')
    """
    rating = signal in ("valence", "arousal")
    scale, digits = (1, 2) if rating else (100, digits)
    if any(end and round(scale * end, digits) == 0 for end in (low, high)):
        digits += 1
    return f"{number(scale * low, digits, sign)} to {number(scale * high, digits, sign)}"


def title_of(result: StudyResult, stimulus: str) -> str:
    """The title of a stimulus, with its phase where it has one."""
    return full_title(result.stimuli, stimulus)


def adjective(emotion: str) -> str:
    """An emotion as a face looks: "surprised", "happy".

    Examples
    --------
    >>> adjective("surprise"), adjective("happy")
    ('surprised', 'happy')
    """
    return _ADJECTIVES.get(emotion, emotion)


def percent(share: float) -> str:
    """A level or an error rate in percent, with the digits it was given with.

    Examples
    --------
    >>> percent(0.95), percent(0.975), percent(0.005)
    ('95%', '97.5%', '0.5%')
    """
    return f"{100 * share:g}%"


def people(n: int) -> str:
    """So many respondents, in words."""
    return "1 respondent" if n == 1 else f"{n} respondents"


def time_code(seconds: float) -> str:
    """Return seconds as minutes, seconds and tenths.

    Examples
    --------
    >>> time_code(83.24)
    '1:23.2'
    """
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def reason_text(code: str, measured: Mapping, limits: Mapping) -> str:
    """Why a recording is excluded: figure, limit and remedy; `limits` as `LIMITS`."""
    if code == "not_recorded":
        return "nothing was recorded while the stimulus ran (check start_s)"
    if code == "baseline":
        seconds, least = measured["stated_baseline_s"], limits["baseline_min_s"]
        return f"face seen for {seconds:.1f} s of the baseline (minimum {least:g} s)"
    told = _REASONS[code].format(measured[code], limits[LIMIT_OF[code]])
    return f"{told}: {_REMEDIES[code]}"


def reasons_text(measured: Mapping, limits: Mapping) -> str:
    """All reasons of a recording (codes in ``reasons``), and the message of one that failed."""
    told = [reason_text(code, measured, limits) for code in codes(measured["reasons"])]
    if measured.get("status") == "failed":
        told.append(measured["messages"])
    return "; ".join(told)


def notes_text(measured: Mapping) -> str:
    """Remarks about a recording of a study, with what its file and its video said."""
    told = [_NOTES[code].format(**measured) for code in codes(measured["notes"])]
    if measured["status"] != "failed" and isinstance(measured["messages"], str):
        told += [measured["messages"]] if measured["messages"] else []
    return "; ".join(told)


def codes(value) -> list[str]:
    """Codes of a cell of the quality table, or of a list."""
    if isinstance(value, str):
        return [code for code in value.split("; ") if code]
    return value if isinstance(value, list) else []


def baseline_text(source: str, config: StudyConfig) -> str:
    """Where the baselines of a study come from."""
    return {
        "manifest": "the interval that the manifest names for each recording",
        "before": f"the last {config.baseline_s:g} s before the stimulus (as far as recorded)",
        "opening": f"the first {config.opening_s:g} s of the stimulus, since not every recording "
        f"shows the face for {config.baseline_min_s:g} s before it",
        "auto": "the half of the recording in which each face looks most like its own median",
        "none": "none: values are as measured",
    }[source]
