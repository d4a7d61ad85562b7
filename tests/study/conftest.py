"""A small simulated study that the study tests share."""

from __future__ import annotations

import numpy as np
import pytest

from fer_nb.study import StudyConfig, run_study
from fer_nb.study.simulate import Event, simulate_signals, simulate_study, simulate_table

JOKE = (Event("happy", 8, 12, 3.0),)
QUICK = StudyConfig(n_boot=200, n_permutations=200, isc_shifts=50)


@pytest.fixture(scope="session")
def quick() -> StudyConfig:
    """Parameters that make a study fast: few resamples."""
    return QUICK


@pytest.fixture(scope="session")
def simulated(tmp_path_factory):
    """(manifest, tables) of two simulated trailers seen by 14."""
    return simulate_study(tmp_path_factory.mktemp("simulated"), respondents=14)


@pytest.fixture(scope="session")
def result(simulated):
    """The finished study of `simulated`."""
    manifest, tables = simulated
    return run_study(manifest, tables=tables, config=QUICK)


@pytest.fixture
def make_study(tmp_path):
    """Return a function that writes a manifest of n simulated viewers and makes their tables."""

    def make(n=12, duration=20, events=JOKE, fps=15, seed=0, start=5):
        rng = np.random.default_rng(seed)
        _, signals = simulate_signals(n, duration, 5, rng, events=events)
        lines, tables = ["respondent,stimulus,video,start_s"], {}
        for i in range(n):
            tables[f"p{i}.mp4"] = simulate_table(signals[i], 5, fps, f"p{i}.mp4", rng=rng)
            lines.append(f"p{i},film,p{i}.mp4,{start}")
        manifest = tmp_path / "manifest.csv"
        manifest.write_text("\n".join(lines) + "\n")
        (tmp_path / "stimuli.csv").write_text(f"stimulus,duration_s\nfilm,{duration}\n")
        return manifest, tables

    return make
