"""The page that lists reports: what was made, what was not, and names of any kind."""

import json
import os
import re
from urllib.parse import unquote

import pytest

from fer_nb.errors import FerError
from fer_nb.reports.index import Report, can_be_renewed, read_index, write_index

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
    path.write_text("my own page now")
    assert not can_be_renewed(path, names)
    (tmp_path / "own.html").write_bytes(b"my own \xff page")
    assert not can_be_renewed(tmp_path / "own.html", names)


def test_the_sidecar_says_what_the_page_says_to_programs(tmp_path):
    done = [
        Report(
            "a.mp4", "a", "Anna", summary=SUMMARY | {"face_px": float("nan"), "thumbnail": b"x"}
        ),
        Report("b.mp4", "b", "b", error="torn"),
    ]
    path = write_index(done, tmp_path / "index.html")
    listed = json.loads((tmp_path / "index.json").read_text())
    assert listed["reports"][0]["summary"] == SUMMARY | {"face_px": None}
    assert listed["reports"][1]["error"] == "torn"
    assert read_index(path) == listed
    path.unlink()
    assert read_index(path) is None


def test_a_thousand_reports_are_pages_of_a_hundred_with_pictures_as_files(tmp_path):
    done = [
        Report(f"v{i}.mp4", f"v {i}", f"v{i}", summary=SUMMARY | {"thumbnail": bytes(10_000)})
        for i in range(1001)
    ]
    path = write_index([*done, Report("e", "e", "e", error="torn")], tmp_path / "index.html")
    pages = [path, *sorted((tmp_path / "index").glob("*.html"))]
    assert len(pages) == 11
    assert max(page.stat().st_size for page in pages) < 200_000
    linked, shown = set(), set()
    for page in pages:
        text = page.read_text("utf-8")
        assert text.count('class="card"') <= 100
        assert text.count("aria-current") == 1
        assert ("torn" in text) == (page == path)
        found = [unquote(link) for link in re.findall(r'(?:href|src)="([^"]+)"', text)]
        files = {(page.parent / link).resolve() for link in found if not link.startswith("data:")}
        linked |= {file for file in files if file.suffix == ".html"}
        shown |= {file for file in files if file.suffix == ".jpg"}
    assert linked == set(pages) | {tmp_path / f"{report.name}.html" for report in done}
    assert shown == set((tmp_path / "index").glob("*.jpg"))
    assert len(shown) == 1001
    write_index(done[:1], path, force=True)
    assert [file.name for file in (tmp_path / "index").iterdir()] == ["v 0.jpg"]
