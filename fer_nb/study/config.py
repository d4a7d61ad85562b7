"""Every parameter of a study in one place; the report prints all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from numbers import Integral, Real
from typing import Any, NamedTuple

from fer_nb.emotions import EMOTIONS
from fer_nb.errors import StudyError

PROBABILITIES: tuple[str, ...] = tuple(f"p_{name}" for name in EMOTIONS)
SIGNALS: tuple[str, ...] = ("valence", "arousal", *PROBABILITIES)
# Neutral and uncertain are not tested: they are the complement of the seven that are.
TESTED: tuple[str, ...] = (
    "valence",
    "arousal",
    "p_anger",
    "p_contempt",
    "p_disgust",
    "p_fear",
    "p_happy",
    "p_sad",
    "p_surprise",
)
# Those of which the difference between two stimuli or groups is tested over time.
CURVES = ("valence", "arousal", "p_happy")

# Person-level numbers that may be the primary outcome; see `fer_nb.study.metrics.MEANING`.
PRIMARY_METRICS = ("average", "first", "last", "peak_end")


class Range(NamedTuple):
    """Which values a parameter may have; the ends are among them unless `inside`."""

    least: float
    most: float
    inside: bool = False
    whole: bool = False

    def holds(self, value: Any) -> bool:
        """Return whether `value` is a number of this kind and lies in the range."""
        if isinstance(value, bool) or not isinstance(value, Integral if self.whole else Real):
            return False
        number = float(value)  # type: ignore[arg-type]
        if self.inside:
            return self.least < number < self.most
        return self.least <= number <= self.most

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        if self.inside:
            return f"{kind} between {self.least:g} and {self.most:g}, without these"
        return f"{kind} from {self.least:g} to {self.most:g}"


_SHARE = Range(0, 1)
_INSIDE = Range(0, 1, inside=True)
_SECONDS = Range(0, 3600)
_SOME_SECONDS = Range(0.001, 3600)

# Every numeric parameter of `StudyConfig`, in its order.
RANGES = {
    "rate_hz": Range(0.01, 100),
    "min_bin_coverage": _SHARE,
    "max_hold_s": _SOME_SECONDS,
    "smooth_s": _SECONDS,
    "baseline_s": _SECONDS,
    "baseline_min_s": _SECONDS,
    "opening_s": _SOME_SECONDS,
    "expressed_rise": _SHARE,
    "expressed_spreads": Range(0, 100),
    "min_face_share": _SHARE,
    "max_gap_s": Range(0, 1e6),
    "min_fps": Range(0, 1000),
    "min_brightness": Range(0, 255),
    "min_contrast": Range(0, 255),
    "min_face_px": Range(0, 1e5),
    "min_facing_share": _SHARE,
    "facing_yaw": Range(0, 180),
    "facing_pitch": Range(0, 180),
    "max_other_face_share": _SHARE,
    "max_damaged_share": _SHARE,
    "level": _INSIDE,
    "n_boot": Range(200, 1e5, whole=True),
    "n_permutations": Range(200, 1e5, whole=True),
    "cluster_p": _INSIDE,
    "alpha": _INSIDE,
    "min_n_interval": Range(5, 1e6, whole=True),
    "min_n_skewed": Range(5, 1e6, whole=True),
    "min_n_test": Range(8, 1e6, whole=True),  # below 8 no corrected p can fall under 0.05
    "min_n_t_share": _SHARE,
    "scene_lag_s": _SECONDS,
    "first_s": _SOME_SECONDS,
    "last_s": _SOME_SECONDS,
    "smallest_valence": Range(0, 6, inside=True),
    "min_effect": _SHARE,
    "min_effect_rating": Range(0, 6),
    "untested_effect": _SHARE,
    "untested_valence": Range(0, 6),
    "untested_share": _SHARE,
    "isc_shifts": Range(1, 1e5, whole=True),
    "isc_window_s": _SOME_SECONDS,
    "top_moments": Range(0, 100, whole=True),
    "seed": Range(0, 1e18, whole=True),
}


@dataclass(frozen=True)
class StudyConfig:
    """Parameters of a study; the defaults are those whose error rates docs/statistics.md reports.

    A value of the wrong type, or outside of `RANGES`, is a `StudyError` that names all of them.

    Curves
    ------
    rate_hz : bins per second of the stimulus clock.
    min_bin_coverage : share of a bin in which the face must be measured for the bin to count.
    max_hold_s : a measured frame stands for the time until the next frame, at most this long.
    smooth_s : width of the centred moving average on each person's curve; 0 for none.
    baseline : "difference" (minus the person's baseline), "z" (also divided by its SD) or "none".
    baseline_from : "stated" (the manifest's stretch, else what was recorded before the stimulus,
        else its opening) or "auto" (the person's face at rest, found in the recording; see
        `fer_nb.person.usual_rest`).
    baseline_s : seconds before the stimulus that serve as baseline where the manifest names none.
    baseline_min_s : least measured seconds of a baseline.
    opening_s : opening seconds of the stimulus that serve when nothing was recorded before it.
    expressed_rise : how far above the person's baseline a second must lie to count as "expressed"
    expressed_spreads : ... and how many of the person's own resting spreads, which it must also
        have risen by within 3 s; see `fer_nb.study.expressed`.

    Exclusion
    ---------
    min_face_share : least share of the stimulus in which the face was measured.
    max_gap_s : longest allowed gap without a face *between* two measurements.
    min_fps : least effective frame rate (frames per second of recorded stimulus).
    min_brightness : least median brightness (0-255).
    min_contrast : least median contrast (SD of brightness).
    min_face_px : least median face width in pixels.
    min_facing_share : least share of the seen time with the head turned to the camera.
    facing_yaw, facing_pitch : how far it may be turned and raised or lowered for that, in degrees.
    max_other_face_share : largest share of frames with a second face.
    max_damaged_share : largest share of the file's frames that are damaged or lost in between.

    Statistics
    ----------
    primary : the one outcome that the verdict is about, as METRIC:SIGNAL. One of `PRIMARY_METRICS`
        of one of `TESTED`; the mean change of valence by default. Name it before you look.
    level : confidence level of every band and interval.
    n_boot : bootstrap resamples of respondents.
    n_permutations : sign flips (paired) or shuffles (independent) per test; up to ten times as
        many where a p lies near a threshold.
    cluster_p : two-sided p per bin that forms clusters.
    alpha : family-wise error rate of moments.
    min_n_interval : fewest respondents for any band or interval of means.
    min_n_skewed : fewest respondents for an interval of what is skewed: levels, maxima, minima,
        peaks, peak–end and most scores. With fewer it says nothing ("2.58 to 6.44", "0 to 100 %").
    min_n_test : fewest respondents (per group) for a permutation test.
    min_n_t_share : share of respondents that must be measured in a bin for it to be tested.
    scene_lag_s : a reaction begins up to a second after its cause: the numbers of a scene are from
        so much later on, to so much after its end.
    first_s, last_s : opening and closing windows of the metrics.
    smallest_valence : smallest change of valence (points) that counts as an expression in the
        scores; see `fer_nb.study.scores`.
    min_effect, min_effect_rating : smallest effect of interest of a moment: a mean change of an
        emotion's score (0.05: 5 of 100), or of valence and arousal (points). What is smaller is no
        moment, however sure.
    untested_effect, untested_valence, untested_share : what is large is listed without a test, or
        as not beyond chance: least mean rise of a probability, least mean change of valence
        (points); with how many moved, where they are less than this share of the respondents.
    isc_shifts, isc_window_s : shifts of the null and window of the inter-subject correlation.
    top_moments : how many moments the first page names.
    seed : everything random derives from it.
    """

    rate_hz: float = 5.0
    min_bin_coverage: float = 0.5
    max_hold_s: float = 0.5
    smooth_s: float = 1.0
    baseline: str = "difference"
    baseline_from: str = "stated"
    baseline_s: float = 5.0
    baseline_min_s: float = 1.0
    opening_s: float = 2.0
    expressed_rise: float = 0.1
    expressed_spreads: float = 8.5
    min_face_share: float = 0.4
    max_gap_s: float = 30.0
    min_fps: float = 5.0
    min_brightness: float = 40.0
    min_contrast: float = 8.0
    min_face_px: float = 40.0
    min_facing_share: float = 0.5
    facing_yaw: float = 30.0
    facing_pitch: float = 30.0
    max_other_face_share: float = 0.5
    max_damaged_share: float = 0.2
    primary: str = "average:valence"
    level: float = 0.95
    n_boot: int = 2000
    n_permutations: int = 10000
    cluster_p: float = 0.01
    alpha: float = 0.05
    min_n_interval: int = 5
    min_n_skewed: int = 10
    min_n_test: int = 10
    min_n_t_share: float = 0.5
    scene_lag_s: float = 1.0
    first_s: float = 8.0
    last_s: float = 5.0
    smallest_valence: float = 0.3
    min_effect: float = 0.05
    min_effect_rating: float = 0.15
    untested_effect: float = 0.15
    untested_valence: float = 0.3
    untested_share: float = 0.6
    isc_shifts: int = 200
    isc_window_s: float = 5.0
    top_moments: int = 4
    seed: int = 20260101

    def __post_init__(self):
        problems = []
        if self.baseline not in ("difference", "z", "none"):
            problems.append(f"baseline is {self.baseline!r}; choose difference, z or none")
        if self.baseline_from not in ("stated", "auto"):
            problems.append(f"baseline_from is {self.baseline_from!r}; choose stated or auto")
        metric, _, signal = str(self.primary).partition(":")
        if metric not in PRIMARY_METRICS or signal not in TESTED:
            problems.append(
                f"primary is {self.primary!r}; write METRIC:SIGNAL, such as average:valence, with "
                f"one of {', '.join(PRIMARY_METRICS)} and one of {', '.join(TESTED)}"
            )
        for name, allowed in RANGES.items():
            value = getattr(self, name)
            if not allowed.holds(value):
                problems.append(f"{name} is {value!r}; it must be {allowed}")
            else:  # NumPy's numbers cannot be written to study.json
                object.__setattr__(self, name, int(value) if allowed.whole else float(value))
        if problems:
            raise StudyError("study parameters: " + "; ".join(problems))

    @property
    def primary_outcome(self) -> tuple[str, str]:
        """Metric and signal of the primary outcome."""
        metric, _, signal = self.primary.partition(":")
        return metric, signal

    def with_(self, /, **changes) -> StudyConfig:
        """Return a copy with some parameters changed; unknown names are an error."""
        known = {f.name for f in fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise StudyError(
                f"no study parameter named {', '.join(unknown)}; "
                f"there are {', '.join(sorted(known))}"
            )
        return replace(self, **changes)

    def as_dict(self) -> dict:
        """Return all parameters as plain values."""
        return asdict(self)
