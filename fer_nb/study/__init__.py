"""Many people watching: from a manifest of recordings to curves, moments, numbers and norms."""

from fer_nb.study.config import SIGNALS, StudyConfig
from fer_nb.study.curves import Audience
from fer_nb.study.manifest import Manifest, read_manifest
from fer_nb.study.mood import MoodResult, run_mood
from fer_nb.study.norms import compare_with_norms
from fer_nb.study.norms_library import add_to_norms, export_norms, list_norms, merge_norms
from fer_nb.study.result import StudyResult
from fer_nb.study.stimuli import Scene, Stimulus
from fer_nb.study.storage import load_study, save_study
from fer_nb.study.study import run_study

__all__ = [
    "SIGNALS",
    "Audience",
    "Manifest",
    "MoodResult",
    "Scene",
    "Stimulus",
    "StudyConfig",
    "StudyResult",
    "add_to_norms",
    "compare_with_norms",
    "export_norms",
    "list_norms",
    "load_study",
    "merge_norms",
    "read_manifest",
    "run_mood",
    "run_study",
    "save_study",
]
