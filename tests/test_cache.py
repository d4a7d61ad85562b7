"""One rule says whether a stored table still holds, for reports and for studies."""

from __future__ import annotations

import hashlib
import os

import pytest

from fer_nb import cache
from fer_nb.cache import still_holds, stored_table, wanted
from fer_nb.emotions import EMOTIONS
from fer_nb.files import sha256
from fer_nb.loader import VideoLoader
from fer_nb.models import load_model
from fer_nb.reactions import analyze_video
from fer_nb.reports.videos import report_video
from fer_nb.tables import write_table


@pytest.fixture
def stored(viewer, tmp_path):
    """(file, table) of the viewer, analysed with every=5."""
    table = analyze_video(viewer, every=5)
    return write_table(table, tmp_path / "t.parquet"), table


def test_a_table_holds_for_what_it_was_made_of_and_for_nothing_else(stored, viewer, tmp_path):
    file, table = stored
    assert stored_table(file, viewer, every=5).equals(table)
    other_prior = load_model("compact", prior=dict.fromkeys(EMOTIONS, 1 / 9))
    for other in ({}, {"every": 5, "max_gap_s": 2.0}, {"every": 5, "model": other_prior}):
        assert stored_table(file, viewer, **other) is None
    assert stored_table(tmp_path / "none.parquet", viewer, every=5) is None
    changed = tmp_path / viewer.name
    changed.write_bytes(viewer.read_bytes() + b"0")
    assert stored_table(file, changed, every=5) is None


def test_a_new_version_measures_again(stored, viewer, monkeypatch):
    file, _ = stored
    monkeypatch.setattr("fer_nb.__version__", "99")
    assert stored_table(file, viewer, every=5) is None


def test_a_model_without_a_hash_is_never_taken_for_another(stored, viewer):
    _, table = stored
    want = wanted(viewer, every=5)
    assert still_holds(table, want)
    assert not still_holds(table, want | {"model_sha256": None})


def test_report_and_study_ask_the_same_function(viewer, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(cache, "still_holds", lambda table, want: asked.append(want) or True)
    load = VideoLoader(tmp_path / "tables", every=15)
    (tmp_path / "tables").mkdir()
    row = {"video": viewer.name, "path": viewer}
    load(row)
    load(row)
    report_video(viewer, tmp_path / "out", every=15)
    report_video(viewer, tmp_path / "out", every=15)
    assert len(asked) == 2
    assert asked[0] == asked[1]


def test_a_video_is_hashed_once_while_it_stays_the_same(tmp_path, monkeypatch):
    file = tmp_path / "a.bin"
    file.write_bytes(b"one")
    count = []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *a: count.append(a) or digest(*a))
    first = sha256(file)
    assert sha256(file) == first == hashlib.sha256(b"one").hexdigest()
    assert len(count) == 1
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert sha256(file) == hashlib.sha256(b"two").hexdigest()
    assert len(count) == 2
