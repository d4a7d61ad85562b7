"""A recording's page: what its sections show, and what they say where no face was found."""

from __future__ import annotations

import numpy as np
import pytest

from fer_nb import analyze_video
from fer_nb.errors import FerError
from fer_nb.media import VideoWriter
from fer_nb.reports import recording_page


@pytest.fixture
def shown(monkeypatch):
    """Everything that a section displays."""
    found: list = []
    monkeypatch.setattr(recording_page, "display", found.append)
    return found


@pytest.mark.parametrize("name", ["player", "valence_arousal", "emotions", "moments", "plane"])
def test_a_section_about_a_face_says_so_where_there_is_none(name, shown, tmp_path, capsys):
    video = tmp_path / "dark.mp4"
    with VideoWriter(video, fps=10) as writer:
        for _ in range(6):
            writer.write(np.zeros((48, 64, 3), np.uint8))
    seen = recording_page.watch(analyze_video(video), video, title="Dark")
    assert not seen.measured
    getattr(recording_page, name)(seen)
    assert not shown
    assert "no face was found" in capsys.readouterr().out
    recording_page.head(seen)
    assert "there is nothing to report" in shown[0]


def test_the_person_is_put_on_the_clock_of_what_was_watched(viewer, shown):
    reactions = analyze_video(viewer, every=2)
    seen = recording_page.watch(reactions, viewer, title="Viewer", start_s=1.0)
    assert seen.measured
    assert seen.rows["time_s"].min() < 0.2
    assert seen.end_s == pytest.approx(reactions["time_s"].max() + 0.1)
    recording_page.provenance(seen)
    assert "start_s 1.0" in shown[0]
    with pytest.raises(FerError, match="check start_s"):
        recording_page.watch(reactions, viewer, title="Viewer", start_s=1e4)
