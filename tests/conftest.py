"""Pictures and videos that tests share; all are made from what packages carry."""

from __future__ import annotations

from pathlib import Path

import matplotlib.cbook
import numpy as np
import pytest
import skimage
from PIL import Image

from fer_nb.media import VideoWriter
from fer_nb.study import StudyConfig, run_study
from fer_nb.study.simulate import Event, simulate_signals, simulate_study, simulate_table

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data and weights beside a developer's checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the data and weights that lie beside a developer's checkout are absent")
    return folder


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A smiling woman, one face, (512, 512, 3)."""
    return skimage.data.astronaut()


@pytest.fixture(scope="session")
def hopper() -> np.ndarray:
    """A serious woman, one face, (600, 512, 3)."""
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
        return np.array(Image.open(file).convert("RGB"))


@pytest.fixture(scope="session")
def head(astronaut) -> np.ndarray:
    """The astronaut's head, (180, 180, 3)."""
    return astronaut[20:200, 135:315]


@pytest.fixture
def make_video(tmp_path):
    """Return a function that writes a video of given pictures and times."""

    def make(images, times=None, name: str = "video.mp4", fps: float = 25) -> Path:
        path = tmp_path / name
        times = [None] * len(images) if times is None else times
        with VideoWriter(path, fps=fps) as video:
            for image, time_s in zip(images, times, strict=True):
                video.write(image, time_s)
        return path

    return make


@pytest.fixture(scope="session")
def viewer(tmp_path_factory, astronaut) -> Path:
    """Three seconds of one moving face at 15 frames a second; gone from 1.2 s to 1.8 s."""
    path = tmp_path_factory.mktemp("viewer") / "viewer.mp4"
    picture = astronaut[:300, 60:460]
    empty = np.full_like(picture, 90)
    with VideoWriter(path, fps=15) as video:
        for i in range(45):
            shifted = np.roll(picture, round(20 * np.sin(i / 6)), axis=1)
            video.write(empty if 18 <= i < 27 else shifted, i / 15)
    return path


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
