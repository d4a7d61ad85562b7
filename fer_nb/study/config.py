"""Every parameter of a study in one place; the report prints all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from numbers import Integral, Real
from typing import NamedTuple

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


class Range(NamedTuple):
    """Which values a parameter may have; the ends are among them unless `inside`."""

    least: float
    most: float
    inside: bool = False
    whole: bool = False

    def holds(self, value) -> bool:
        """Return whether `value` is a number of this kind and lies in the range."""
        if isinstance(value, bool) or not isinstance(value, Integral if self.whole else Real):
            return False
        if self.inside:
            return self.least < value < self.most
        return self.least <= value <= self.most

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
    "expressed_threshold": _INSIDE,
    "expressed_rise": _SHARE,
    "min_face_share": _SHARE,
    "max_gap_s": Range(0, 1e6),
    "min_fps": Range(0, 1000),
    "min_brightness": Range(0, 255),
    "min_contrast": Range(0, 255),
    "min_face_px": Range(0, 1e5),
    "max_off_frontal_share": _SHARE,
    "off_frontal_yaw": Range(0, 100),
    "max_other_face_share": _SHARE,
    "level": _INSIDE,
    "n_boot": Range(200, 1e5, whole=True),
    "n_permutations": Range(200, 1e5, whole=True),
    "cluster_p": _INSIDE,
    "alpha": _INSIDE,
    "min_n_interval": Range(5, 1e6, whole=True),
    "min_n_test": Range(8, 1e6, whole=True),  # below 8 no corrected p can fall under 0.05
    "min_n_t_share": _SHARE,
    "first_s": _SOME_SECONDS,
    "last_s": _SOME_SECONDS,
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
    baseline_s : seconds before the stimulus that serve as baseline where the manifest names none.
    baseline_min_s : least measured seconds of a baseline.
    opening_s : opening seconds of the stimulus that serve when nothing was recorded before it.
    expressed_threshold : probability from which a second counts as "expressed" ...
    expressed_rise : ... if it also lies this far above the person's baseline: a face that smiles
        at rest has not reacted.

    Exclusion
    ---------
    min_face_share : least share of the stimulus in which the face was measured.
    max_gap_s : longest allowed gap without a face *between* two measurements.
    min_fps : least effective frame rate (frames per second of recorded stimulus).
    min_brightness : least median brightness (0-255).
    min_contrast : least median contrast (SD of brightness).
    min_face_px : least median face width in pixels.
    max_off_frontal_share : largest share of measured frames with the head turned away.
    off_frontal_yaw : absolute `yaw_ratio` from which a frame counts as turned away.
    max_other_face_share : largest share of frames with a second face.

    Statistics
    ----------
    level : confidence level of every band and interval.
    n_boot : bootstrap resamples of respondents.
    n_permutations : sign flips (paired) or shuffles (independent) per test.
    cluster_p : two-sided p per bin that forms clusters.
    alpha : family-wise error rate of moments.
    min_n_interval : fewest respondents for any band or interval of means.
    min_n_test : fewest respondents (per group) for a permutation test.
    min_n_t_share : share of respondents that must be measured in a bin for it to be tested.
    first_s, last_s : opening and closing windows of the metrics.
    untested_effect, untested_valence, untested_share : below `min_n_test` moments are listed
        untested: least mean rise of a probability, least mean change of valence (points), and
        share of respondents who move that way.
    isc_shifts, isc_window_s : shifts of the null and window of the inter-subject correlation.
    top_moments : how many moments the first page names.
    seed : everything random derives from it.
    """

    rate_hz: float = 5.0
    min_bin_coverage: float = 0.5
    max_hold_s: float = 0.5
    smooth_s: float = 1.0
    baseline: str = "difference"
    baseline_s: float = 5.0
    baseline_min_s: float = 1.0
    opening_s: float = 2.0
    expressed_threshold: float = 0.5
    expressed_rise: float = 0.1
    min_face_share: float = 0.4
    max_gap_s: float = 30.0
    min_fps: float = 5.0
    min_brightness: float = 40.0
    min_contrast: float = 8.0
    min_face_px: float = 40.0
    max_off_frontal_share: float = 0.5
    off_frontal_yaw: float = 0.35
    max_other_face_share: float = 0.5
    level: float = 0.95
    n_boot: int = 2000
    n_permutations: int = 1000
    cluster_p: float = 0.01
    alpha: float = 0.05
    min_n_interval: int = 5
    min_n_test: int = 10
    min_n_t_share: float = 0.5
    first_s: float = 8.0
    last_s: float = 5.0
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
        for name, allowed in RANGES.items():
            value = getattr(self, name)
            if not allowed.holds(value):
                problems.append(f"{name} is {value!r}; it must be {allowed}")
            else:  # NumPy's numbers cannot be written to study.json
                object.__setattr__(self, name, int(value) if allowed.whole else float(value))
        if problems:
            raise StudyError("study parameters: " + "; ".join(problems))

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
