"""What the columns of a study's tables mean, with their units, for its workbook."""

from __future__ import annotations

from collections.abc import Iterable

# By column; by "Sheet.column" where a column means something of its own on one sheet.
COLUMNS = {
    # who, what, when
    "stimulus": "the film, by its name in the manifest, with the phase where there is one",
    "title": "the film, by its title",
    "group": "respondents of one group; all: everybody",
    "respondent": "who was recorded",
    "recording": "the recording, as the manifest names it",
    "signal": "valence, arousal, an emotion's score (p_…), or the key of a score",
    "metric": "which number it is: see the rows “metric”",
    "scope": "whole: the film; else the scene of this name",
    "scene": "the scene, by its name in both films",
    "kind": "mean: change from baseline; level: as measured; share: of respondents, 0–1",
    "time_s": "seconds of the film: the middle of a bin",
    "start_s": "seconds of the film: from when",
    "end_s": "seconds of the film: until when",
    "peak_s": "seconds of the film: where the audience's mean is farthest from 0",
    # numbers
    "estimate": "the number, in the unit of its signal and metric",
    "low": "lower end of its interval, in the same unit; empty where people are too few",
    "high": "upper end of its interval, in the same unit",
    "unit": "the unit of estimate, low and high",
    "n": "respondents that the number rests on",
    "interval": "how the interval was made: bootstrap-se, wider-t (means), clopper-pearson "
    "(shares), located-band and best-times (peaks)",
    "p": "p-value of the test, 0–1; empty where nothing was tested",
    "p_holm": "p-value after Holm's correction, 0–1",
    "score": "the score, by its name on the first page",
    "meaning": "how the score is worked out",
    # moments
    "direction": "up or down, from the baseline",
    "effect": "the difference in standard deviations: of paired differences, or Hedges' g",
    "Moments.effect": "mean change over the moment, in the unit of its signal",
    "share": "share of respondents who moved in this direction, 0–1",
    "share_low": "lower end of the share's exact interval, 0–1",
    "share_high": "upper end of the share's exact interval, 0–1",
    "moved": "respondents who had moved clearly at peak_s",
    "moved_of": "respondents who were seen at peak_s",
    "Moments.status": "significant; small: significant, below the smallest effect of interest; "
    "not_significant, untested: large and common; few_moved: large in the mean, not common",
    # brand
    "brand": "the brand, by its name in the table of stimuli",
    "when": "shown: while the brand is seen; after: in the 5 s that follow",
    "Brand.signal": "valence, p_happy, or attention: share of the time with the face, 0–1",
    # comparison
    "first": "film, group or segment; differences are first minus second",
    "second": "what is taken from the first",
    "within": "stimuli, or the film whose groups are compared",
    "role": "primary: the study's one question; secondary: all else",
    "design": "paired: the same people; independent: others",
    "n_first": "respondents behind the first",
    "n_second": "respondents behind the second",
    "left_out": "respondents without a kept recording of both, or counted for the first only",
    "mean_first": "mean of the first, in the unit of its signal",
    "mean_second": "mean of the second, in the unit of its signal",
    "difference": "first minus second, in the unit of its signal",
    "bca_low": "lower end of the BCa bootstrap interval; from 100 respondents on",
    "bca_high": "upper end of the BCa bootstrap interval; from 100 respondents on",
    "effect_size": "which effect size: d_z (paired) or g (Hedges, independent)",
    "p_robust": "p-value by ranks, 0–1",
    "flag": "interval: p and interval contradict each other; ranks: ranks do not find it",
    "check": "completers: who watched to the end; presentation: allowing for order and period",
    # segments
    "column": "the column of the manifest that divides the respondents",
    "level": "one value of that column",
    "Mixed model.level": "the film, period or order that the term is about",
    "minus": "what it is compared with; empty for the outcome of the first film",
    "term": "what the model allows for: stimulus, period or order",
    # synchrony
    "isc": "mean correlation of each person's curve with the others' mean, −1 to 1",
    "null_high": "95% of audiences whose curves were shifted lie below, −1 to 1",
    # norms
    "percentile": "share of past films that lie below, in %; low and high likewise",
    "studies": "past films that it is compared with",
    "Norms.low": "percentile of the lower end of the interval, in %",
    "Norms.high": "percentile of the upper end of the interval, in %",
    # recordings
    "Recordings.status": "kept, excluded, or failed (could not be read)",
    "reasons": "why it was excluded: the columns that do not keep their limits",
    "notes": "remarks, as codes; the report says them in words",
    "messages": "what could not be read, and warnings about the file",
    "face_share": "share of the film's time in which the face was measured, 0–1",
    "longest_gap_s": "seconds: longest time without the face before it was last seen",
    "left_at_s": "seconds of the film: when the face was last seen, if well before the end",
    "effective_fps": "analysed frames per second",
    "nominal_fps": "frames per second that the file promises",
    "jitter_ms": "milliseconds: standard deviation of the time between frames",
    "brightness": "median of the face's brightness, 0–255",
    "contrast": "median of the face's contrast: standard deviation of its brightness",
    "face_px": "pixels: median width of the face",
    "facing_share": "share of the time with the face that is turned to the camera, 0–1",
    "tilt_deg": "degrees: median tilt of the head, either way",
    "other_face_share": "share of the frames with a second face, 0–1",
    "damaged_share": "share of the file's frames that are damaged or lost, 0–1",
    "recorded_s": "seconds of the film that the recording covers",
    "stimulus_s": "seconds: length of the film",
    "baseline_s": "measured seconds of the baseline",
    "stated_baseline_s": "measured seconds of the baseline that the manifest states",
    "faces": "faces that the recording shows",
    "joined": "how many of them were joined to the respondent's",
    "source": "the file that was analysed",
    "sha256": "that file's fingerprint",
}
FROM_THE_MANIFEST = "from the manifest"


def column_meanings(sheets: Iterable[tuple[str, Iterable[str]]]) -> dict[str, str]:
    """Meanings of all columns of some sheets, by name.

    Examples
    --------
    >>> list(column_meanings([("Moments", ["p", "effect"]), ("Comparison", ["p", "effect"])]))
    ['p', 'effect (Moments)', 'effect']
    """
    told = {}
    for sheet, columns in sheets:
        for column in columns:
            own = f"{sheet}.{column}"
            name = f"{column} ({sheet})" if own in COLUMNS else column
            told[name] = COLUMNS.get(own, COLUMNS.get(column, FROM_THE_MANIFEST))
    return told
