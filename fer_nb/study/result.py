"""What a study found, in one record that the report, the norms and the files speak."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from fer_nb.study.config import StudyConfig
from fer_nb.study.curves import Audience
from fer_nb.study.manifest import Scene, Stimulus


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
    moment_sentences : dict
        What was tested and found, per stimulus.
    synchrony, synchrony_curves : DataFrame
        Inter-subject correlation, and over time.
    comparison, difference_curves, difference_clusters, mixed : DataFrame
    comparison_notes : list of str
    provenance : dict
    """

    config: StudyConfig
    stimuli: dict[str, Stimulus]
    quality: pd.DataFrame
    audiences: dict[str, Audience]
    curves: pd.DataFrame
    metrics: pd.DataFrame
    moments: pd.DataFrame
    moment_sentences: dict[str, str]
    synchrony: pd.DataFrame
    synchrony_curves: pd.DataFrame
    comparison: pd.DataFrame
    difference_curves: pd.DataFrame
    difference_clusters: pd.DataFrame
    mixed: pd.DataFrame
    comparison_notes: list[str]
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

    def measured_how(self) -> dict:
        """What must agree for two studies' numbers to compare."""
        parameters = self.config.as_dict()
        names = ("baseline", "rate_hz", "smooth_s", "expressed_threshold")
        model = ",".join(self.provenance.get("made_with", {}).get("model_sha256", []))
        return {"model_sha256": model} | {name: parameters[name] for name in names}


def scenes_of(stimuli: dict[str, Stimulus], cell: str) -> tuple[Scene, ...]:
    """Scenes of a stimulus, by the name of the stimulus or of one of its phases."""
    return stimulus_of(stimuli, cell).scenes


def stimulus_of(stimuli: dict[str, Stimulus], cell: str) -> Stimulus:
    """The stimulus behind a name such as "trailer" or "trailer (after)"."""
    if cell in stimuli:
        return stimuli[cell]
    return next(s for name, s in stimuli.items() if cell.startswith(f"{name} ("))


def stack(parts, columns) -> pd.DataFrame:
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(columns))
