"""What a study found, in one record that the report, the norms and the files speak."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from fer_nb.study.config import StudyConfig
from fer_nb.study.curves import Audience
from fer_nb.study.stimuli import Scene, Stimulus, stimulus_name

# What was used, and the parameters, that change a number. Limits of exclusion are not among them:
# they say who counts, as recruiting does, and not how a person is measured.
_TOOLS = ("model_sha256", "prior", "detector")
_PARAMETERS = (
    "rate_hz",
    "min_bin_coverage",
    "max_hold_s",
    "smooth_s",
    "baseline",
    "baseline_s",
    "opening_s",
    "expressed_rise",
    "expressed_spreads",
    "smallest_valence",
    "scene_lag_s",
    "first_s",
    "last_s",
    "min_n_t_share",
)

# The names of `StudyResult.measured_how`.
HOW = (*_TOOLS, "baseline_source", *_PARAMETERS)


@dataclass
class StudyResult:
    """Everything a study found.

    Attributes
    ----------
    config : StudyConfig
    stimuli : dict of str to Stimulus
        With `duration_s` filled in.
    quality : DataFrame
        One row per recording: status ("kept", "excluded", "failed"), reasons, measurements.
    audiences : dict of str to Audience
        The kept recordings, by stimulus (and phase).
    curves : DataFrame
        Audience curves with bands; see `audience_table`.
    metrics : DataFrame
        Numbers per stimulus, group and scene; see `stimulus_metrics`.
    moments : DataFrame
        See `find_moments`.
    brand : DataFrame
        What was shown while a brand was seen; see `fer_nb.study.branding`.
    synchrony, synchrony_curves : DataFrame
        Inter-subject correlation, and over time.
    segments, segment_comparison, segment_curves : DataFrame
        Respondents by further columns of the manifest; see `fer_nb.study.segments`.
    sensitivity : DataFrame
        The primary outcome worked out in other ways; see `fer_nb.study.sensitivity`.
    comparison, scene_comparison, difference_curves, difference_clusters, mixed : DataFrame
    mixed_fit : dict
        How the mixed model was fitted, or why not; see `mixed_model`.
    provenance : dict
    """

    config: StudyConfig
    stimuli: dict[str, Stimulus]
    quality: pd.DataFrame
    audiences: dict[str, Audience]
    curves: pd.DataFrame
    metrics: pd.DataFrame
    moments: pd.DataFrame
    brand: pd.DataFrame
    synchrony: pd.DataFrame
    synchrony_curves: pd.DataFrame
    comparison: pd.DataFrame
    sensitivity: pd.DataFrame
    scene_comparison: pd.DataFrame
    difference_curves: pd.DataFrame
    difference_clusters: pd.DataFrame
    segments: pd.DataFrame
    segment_comparison: pd.DataFrame
    segment_curves: pd.DataFrame
    mixed: pd.DataFrame
    mixed_fit: dict
    provenance: dict = field(default_factory=dict)

    @property
    def kept(self) -> int:
        """Number of kept recordings."""
        return int((self.quality["status"] == "kept").sum())

    def counts(self) -> dict[str, int]:
        """Respondents invited (in the manifest), recorded (readable), and kept."""
        people = self.quality.groupby("respondent")["status"].agg(set)
        return {
            "invited": len(people),
            "recorded": int(people.map(lambda s: s != {"failed"}).sum()),
            "kept": int(people.map(lambda s: "kept" in s).sum()),
        }

    @property
    def study_id(self) -> str:
        """The manifest's name, and a digest of who was recorded: no other study has the same."""
        told = self.quality[["respondent", "stimulus", "sha256"]].astype(object).fillna("")
        told = told.sort_values(["respondent", "stimulus"]).to_csv(index=False, lineterminator="\n")
        digest = hashlib.sha256(told.encode()).hexdigest()
        return f"{Path(self.provenance['manifest']).stem}-{digest[:8]}"

    def measured_how(self) -> dict:
        """What must agree for two studies' numbers to compare: tools, baseline, parameters."""
        made_with, parameters = self.provenance.get("made_with", {}), self.config.as_dict()
        how = {name: ",".join(made_with.get(name, [])) for name in _TOOLS}
        how["baseline_source"] = self.provenance["baseline"]["source"]
        return how | {name: parameters[name] for name in _PARAMETERS}


def scenes_of(stimuli: dict[str, Stimulus], cell: str) -> tuple[Scene, ...]:
    """Scenes of a stimulus, by the name of the stimulus or of one of its phases."""
    return stimulus_of(stimuli, cell).scenes


def stimulus_of(stimuli: dict[str, Stimulus], cell: str) -> Stimulus:
    """The stimulus behind a name such as "trailer" or "trailer (after)"."""
    return stimuli[stimulus_name(stimuli, cell)]


def full_title(stimuli: dict[str, Stimulus], cell: str) -> str:
    """The title of the stimulus behind a name, with the phase where the name has one."""
    known = stimulus_of(stimuli, cell)
    return known.title + cell[len(known.name) :]


def stack(parts, columns) -> pd.DataFrame:
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(columns))
