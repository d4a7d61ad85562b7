"""A report says how it was made, and its numbers can be made again."""

import re
import shutil

import pytest

from fer_nb.errors import FerError
from fer_nb.reports import report_study, report_video
from fer_nb.reports.html import page
from fer_nb.reports.record import read_record
from fer_nb.reports.reproduce import reproduce
from fer_nb.study import StudyConfig
from fer_nb.tables import read_table


@pytest.fixture(scope="module")
def reported(viewer, tmp_path_factory):
    """A recording and the page of its report, not made as by default."""
    folder = tmp_path_factory.mktemp("reported")
    shutil.copy(viewer, folder / "a.mp4")
    detector = "haar/frontalface_default"
    report_video(folder / "a.mp4", folder / "out", every=3, detector=detector, title="</script>")
    return folder / "a.mp4", folder / "out" / "a.html"


def by_name(findings) -> dict:
    return {finding.what: finding for finding in findings}


def test_a_recording_gives_the_same_table_again(reported):
    found = by_name(reproduce(reported[1]))
    assert list(found) == ["recording", "model", "versions", "table"]
    assert all(finding.same for finding in found.values())
    rows = len(read_table(reported[1].with_suffix(".parquet")))
    assert found["table"].told == f"all {rows} rows are identical"


def test_what_differs_is_told(reported, tmp_path):
    video, html = reported
    shutil.copytree(html.parent, tmp_path / "out")
    (tmp_path / "other.mp4").write_bytes(video.read_bytes() + b"\0")
    moved = tmp_path / "out" / "a.html"
    with pytest.raises(FerError, match=r"a\.mp4.*--source"):
        reproduce(moved)
    text = moved.read_text("utf-8").replace('"every": 3', '"every": 5')
    text = text.replace('"pandas": "', '"pandas": "0.')
    moved.write_text(text, "utf-8")
    found = by_name(reproduce(moved, tmp_path / "other.mp4"))
    assert found["recording"].same is False
    assert found["model"].same is True
    assert found["versions"].same is None
    assert "pandas 0." in found["versions"].told
    assert found["table"].same is False
    assert re.fullmatch(r"\d+ rows, then \d+", found["table"].told)
    assert str(found["table"]).startswith("DIFFERS")


def test_a_study_gives_the_same_bytes_again(viewer, tmp_path):
    shutil.copy(viewer, tmp_path / "a.mp4")
    (tmp_path / "m.csv").write_text("respondent,stimulus,video\nann,film,a.mp4\n")
    quick = StudyConfig(n_boot=200, n_permutations=200)
    html = report_study(tmp_path / "m.csv", tmp_path / "out", config=quick, every=3)
    before = html.read_bytes()
    findings = reproduce(html)
    assert all(finding.same for finding in findings), list(map(str, findings))
    assert {"recordings", "model", "metrics.csv", "people.parquet"} <= set(by_name(findings))
    assert html.read_bytes() == before


def test_pages_that_keep_no_record_are_refused(tmp_path):
    (tmp_path / "a.html").write_text(page("body", "title"))
    with pytest.raises(FerError, match="does not say how it was made"):
        read_record(tmp_path / "a.html")
    with pytest.raises(FerError, match="cannot be read"):
        read_record(tmp_path / "b.html")
    damaged = page("body", "title", {"kind": "recording"}).replace('"recording"', '"recor')
    (tmp_path / "a.html").write_text(damaged)
    with pytest.raises(FerError, match="is damaged"):
        read_record(tmp_path / "a.html")
    hostile = {"kind": "recording", "path": "</script><script>alert(1)</script>"}
    (tmp_path / "a.html").write_text(page("body", "title", hostile))
    assert read_record(tmp_path / "a.html") == hostile
    assert "<script>alert" not in (tmp_path / "a.html").read_text()
