"""The page that lists reports: what was made, what was not, and names of any kind."""

import os

import pytest

from fer_nb.errors import FerError
from fer_nb.report_index import Report, can_be_renewed, write_index

SUMMARY = {
    "usable": True,
    "face_share": 0.97,
    "duration_s": 12.34,
    "dominant": "happy",
    "mean_valence": 5.2,
    "mean_arousal": 4.6,
}


def test_what_failed_is_told_with_names_in_any_encoding(tmp_path):
    video = os.fsdecode(b"caf\xe9.mp4")
    done = [Report(name, name, name, error="odd stream") for name in (video, "b.mp4")]
    index = write_index(done, tmp_path / "index.html").read_text("utf-8")
    assert "caf?.mp4" in index
    assert index.count("odd stream") == 2
    assert "0 of 2 recordings analysed" in index


def test_reports_have_cards_that_lead_to_them(tmp_path):
    dark = {"usable": False, "reasons": ["too dark <b>"]}
    done = [
        Report("a.mp4", "a b", "Anna & co", summary=SUMMARY),
        Report("c.mp4", "c", "c", summary=dark),
    ]
    study = tmp_path / "audience" / "study.html"
    path = write_index(done, tmp_path / "index.html", study=study, study_title="All of them")
    index = path.read_text("utf-8")
    assert "2 of 2 recordings analysed, 1 of them usable" in index
    assert 'href="a%20b.html"' in index
    assert 'href="audience/study.html"' in index
    assert "Anna &amp; co" in index
    assert "valence 5.20, arousal 4.60" in index
    assert "too dark &lt;b&gt;" in index
    with pytest.raises(FerError, match="exists"):
        write_index(done, path)


def test_an_index_is_renewed_only_where_no_report_is_lost(tmp_path):
    names = ["a & b", "日本", "d"]
    done = [Report(name, name, name, summary=SUMMARY) for name in names]
    path = write_index([*done, Report("e", "e", "e", error="torn")], tmp_path / "index.html")
    assert can_be_renewed(path, names)
    assert can_be_renewed(path, [*names, "more"])
    assert not can_be_renewed(path, names[1:])
    assert not can_be_renewed(tmp_path / "none.html", names)
    of_a_study = write_index(done, tmp_path / "s.html", study=tmp_path / "study.html")
    assert not can_be_renewed(of_a_study, names)
    (tmp_path / "own.html").write_bytes(b"my own \xff page")
    assert not can_be_renewed(tmp_path / "own.html", names)
