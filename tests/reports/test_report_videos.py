import hashlib
import os
import re
import shutil
from functools import wraps
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from urllib.parse import unquote

import nbformat
import numpy as np
import pandas as pd
import pytest

from fer_nb import reports
from fer_nb.errors import FerError, StudyError
from fer_nb.faces import Face
from fer_nb.faces.detectors import load_detector
from fer_nb.media import VideoReader, VideoWriter
from fer_nb.models import load_model
from fer_nb.reactions import analyze_frames, analyze_video
from fer_nb.reports import study, videos
from fer_nb.reports.recording import thumbnail
from fer_nb.tables import read_table

STRANGE = 'Zoë\'s "take" <script>alert(1)</script> 日本.mp4'.replace("/", "⁄")


@pytest.fixture(scope="module")
def made(viewer, tmp_path_factory):
    """Reports of a good recording with a strange name, a text file, and a missing file."""
    folder = tmp_path_factory.mktemp("recordings")
    good, text = folder / STRANGE, folder / "text.mp4"
    shutil.copy(viewer, good)
    text.write_text("no film")
    out = folder / "reports"
    done = reports.report_videos([good, text, folder / "missing.mp4"], out, stimulus=viewer)
    return out, done


def test_a_single_path_is_no_list_of_letters(viewer, tmp_path):
    with pytest.raises(FerError, match="give \\[video\\]"):
        reports.report_videos(str(viewer), tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Witness:
    """A detector that, in processes it is sent to, notes each file that is hashed."""

    name, margin = "witness", 0.0

    def __init__(self, log):
        self._log = log

    def __call__(self, image):
        return [Face(100.0, 60.0, 120.0, 120.0, 0.9)]

    def __setstate__(self, state):
        self.__dict__ |= state
        hashlib.file_digest = self.noting(hashlib.file_digest)

    def noting(self, digest):
        def noted(file, name):
            with open(self._log, "a") as log:
                print(file.name, file=log)
            return digest(file, name)

        return noted


def test_a_run_that_goes_on_hashes_each_video_once(viewer, tmp_path, monkeypatch):
    video, log = tmp_path / "a.mp4", tmp_path / "log"
    shutil.copy(viewer, video)
    witness = Witness(log)
    monkeypatch.setattr(hashlib, "file_digest", witness.noting(hashlib.file_digest))
    options = {"detector": witness, "every": 15, "workers": 2}
    for run in range(3):
        log.write_text("")
        shutil.copy(viewer, video)  # of a new time, as in a new process
        assert reports.report_videos([video], tmp_path / "out", force=run == 2, **options)[0].ok
        assert log.read_text().split("\n").count(str(video)) == 1, run


def test_one_failure_stops_no_other(made):
    out, done = made
    assert [report.ok for report in done] == [True, False, False]
    assert "not a video" in done[1].error
    assert "no file" in done[2].error
    name = done[0].name
    made_files = {
        "index",
        "index.html",
        "index.json",
        f"{name}.html",
        f"{name}.ipynb",
        f"{name}.parquet",
    }
    assert {path.name for path in out.iterdir()} == made_files
    assert len(read_table(out / f"{name}.parquet")) == 45


def test_pages_are_self_contained_and_escaped(made):
    out, done = made
    for page in out.glob("*.html"):
        html = page.read_text("utf-8")
        assert "alert(1)" in html
        assert "<script>alert" not in html.lower()
        # uPlot's notice names where it comes from; nothing is asked of it.
        assert not re.search(r"https?://(?!www\.w3\.org|github\.com/leeoniya)", html)
        sources = re.findall(r"\b(?:src|href)=\"([^\"]*)", html)
        inside = ("data:", "#", f"{done[0].name}.html", f"index/{done[0].name}.jpg")
        assert all(unquote(s).startswith(inside) for s in sources), sources
        assert "日本" in html
    index = (out / "index.html").read_text("utf-8")
    assert "1 of 3 recordings analysed" in index
    assert "missing.mp4" in index
    assert (out / "index" / f"{done[0].name}.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_report_says_all_that_it_must(made):
    out, done = made
    html = (out / f"{done[0].name}.html").read_text("utf-8")
    table = read_table(out / f"{done[0].name}.parquet")
    for said in (
        table.attrs["sha256"],
        table.attrs["model_sha256"],
        "Valence and arousal",
        "Strongest moments",
        "smoothing_s 1.0",
        "time with the face in view",
        "brightness",
        "AI Act",
        "class prior",
    ):
        assert said in html, said
    assert html.count("data:image/png") >= 3
    assert "analyze_video(" not in html  # no code
    assert "notebook makes the report" not in html  # what is for the notebook stays there
    notebook = nbformat.read(out / f"{done[0].name}.ipynb", as_version=4)
    (given,) = [c for c in notebook.cells if "injected-parameters" in c.metadata.get("tags", ())]
    assert "stimulus = " in given.source


def test_a_model_of_ones_own_that_tells_only_its_name(viewer, tmp_path):
    class Mine:
        name = "mine"
        predict_batch = load_model().predict_batch

    done = reports.report_video(viewer, tmp_path, model=Mine())
    assert not done.error
    html = (tmp_path / "viewer.html").read_text("utf-8")
    assert '<th scope="row">model</th><td>mine</td>' in html
    assert "not stated" in html  # the class prior


def test_where_no_face_is_found_no_empty_chart_is_shown(tmp_path):
    video = tmp_path / "dark.mp4"
    with VideoWriter(video, fps=10) as writer:
        for _ in range(12):
            writer.write(np.zeros((48, 64, 3), np.uint8))
    made = reports.report_video(video, tmp_path / "out")
    html = (tmp_path / "out" / f"{made.name}.html").read_text("utf-8")
    assert "No face was found" in html
    assert "Quality of the recording" in html
    assert "Strongest moments" not in html
    assert "data:image/png" not in html
    assert "nan px" not in html


def test_existing_reports_are_kept(made, viewer):
    out, done = made
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    with pytest.raises(FerError, match="exists already"):
        reports.report_videos([viewer], out)
    with pytest.raises(FerError, match="exists already"):
        reports.report_video(viewer, out, name=done[0].name)
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before


@pytest.mark.parametrize("step", ["run_notebook", "render"])
def test_a_run_with_force_that_is_cut_off_leaves_no_page_that_seems_new(
    made, viewer, tmp_path, monkeypatch, step
):
    out, done = made
    shutil.copytree(out, tmp_path / "out")
    page, name = tmp_path / "out" / f"{done[0].name}.html", done[0].name
    monkeypatch.setattr(videos, step, stopped)
    with pytest.raises(KeyboardInterrupt):  # another recording
        reports.report_video(viewer, tmp_path / "out", name=name, every=5, force=True)
    assert "This page is out of date" in page.read_text("utf-8")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {p.name for p in out.iterdir()}
    monkeypatch.undo()
    monkeypatch.setattr(videos, "analyze_video", wraps(analyze_video)(stopped))  # not again
    reports.report_video(viewer, tmp_path / "out", name=name, every=5)
    assert "This page is out of date" not in page.read_text("utf-8")


def test_with_force_a_table_that_holds_is_kept(made, tmp_path, monkeypatch):
    out, done = made
    shutil.copytree(out, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in out.glob("*.*")}
    monkeypatch.setattr(videos, "analyze_video", wraps(analyze_video)(stopped))
    monkeypatch.setattr(videos, "run_notebook", stopped)
    video = out.parent / STRANGE
    with pytest.raises(KeyboardInterrupt):
        reports.report_video(video, tmp_path / "out", name=done[0].name, force=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.*")} == before


def stopped(*_, **options):
    raise KeyboardInterrupt


def test_the_same_command_goes_on_after_an_interruption(viewer, tmp_path, monkeypatch):
    first, second, out = tmp_path / "a.mp4", tmp_path / "b.mp4", tmp_path / "out"
    shutil.copy(viewer, first)
    shutil.copy(viewer, second)
    analysed = []

    def analyse(video, **options):
        analysed.append(video.name)
        if len(analysed) == 2:
            raise KeyboardInterrupt
        return analyze_video(video, **options)

    monkeypatch.setattr(videos, "analyze_video", wraps(analyze_video)(analyse))
    with pytest.raises(KeyboardInterrupt):
        reports.report_videos([first, second], out, every=5)
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert {path.name for path in before} == {"a.html", "a.ipynb", "a.parquet"}
    for other in ({"show_faces": True}, {"every": 5, "detect_interval_s": 0.5}, {"every": 6}):
        with pytest.raises(FerError, match="exists already"):
            reports.report_videos([second, first], out, **({"every": 5} | other))
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before
    done = reports.report_videos([first, second], out, every=5)
    assert [report.ok for report in done] == [True, True]
    assert analysed == ["a.mp4", "b.mp4", "b.mp4"]
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert "2 of 2 recordings analysed" in (out / "index.html").read_text("utf-8")
    (out / "index.html").unlink()
    first.write_bytes(viewer.read_bytes() + b"more")
    with pytest.raises(FerError, match=r"a\.html exists already"):
        reports.report_videos([first, second], out, every=5)


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b"PAR1 torn")])
def test_a_table_that_was_lost_or_damaged_is_made_again(made, viewer, tmp_path, damage):
    out, name = tmp_path / "out", made[1][0].name
    shutil.copytree(made[0], out)
    whole, page = read_table(out / f"{name}.parquet"), (out / f"{name}.html").read_bytes()
    video, options = made[0].parent / STRANGE, {"stimulus": viewer, "name": name}
    damage(out / f"{name}.parquet")
    for other in ({"every": 7}, {"model": "accurate"}):
        with pytest.raises(FerError, match="exists already"):
            reports.report_video(video, out, **options, **other)
    assert (out / f"{name}.html").read_bytes() == page
    assert reports.report_video(video, out, **options).ok
    pd.testing.assert_frame_equal(read_table(out / f"{name}.parquet"), whole)
    assert "This page is out of date" not in (out / f"{name}.html").read_text("utf-8")


def test_the_same_command_goes_on_once_a_recording_is_mended(viewer, tmp_path):
    good, bad, more, out = (tmp_path / name for name in ("a.mp4", "b.mp4", "c.mp4", "out"))
    shutil.copy(viewer, good)
    bad.write_text("no film")
    assert [r.ok for r in reports.report_videos([good, bad], out, every=15)] == [True, False]
    before = (out / "a.html").stat().st_mtime_ns
    shutil.copy(viewer, bad)
    shutil.copy(viewer, more)
    done = reports.report_videos([good, bad, more], out, every=15)
    assert [report.ok for report in done] == [True, True, True]
    assert (out / "a.html").stat().st_mtime_ns == before
    index = (out / "index.html").read_text("utf-8")
    assert "3 of 3 recordings analysed" in index
    # A page that would lose a report, or that we did not make, stays.
    for page in (index, "<p>my own page</p>"):
        (out / "index.html").write_text(page, "utf-8")
        with pytest.raises(FerError, match=r"index\.html exists already"):
            reports.report_videos([good, bad], out, every=15)
        assert (out / "index.html").read_text("utf-8") == page


def test_the_notebook_of_a_report_names_its_table(made):
    out, done = made
    notebook = nbformat.read(out / f"{done[0].name}.ipynb", as_version=4)
    told = notebook.metadata.papermill.parameters
    assert told["table"] == f"{done[0].name}.parquet"
    assert told["video"] == f"../{STRANGE}"
    (given,) = [c for c in notebook.cells if "injected-parameters" in c.metadata.get("tags", ())]
    assert ".part" not in given.source


def test_a_mistyped_stimulus_is_told_before_any_work(viewer, tmp_path):
    with pytest.raises(FerError, match=r"nope\.mp4"):
        reports.report_videos([viewer], tmp_path / "out", stimulus=tmp_path / "nope.mp4")
    assert not list((tmp_path / "out").iterdir())


def notebook(name, output, parameters, force, told):
    assert force or not output.exists()
    output.write_text("{}")
    return output


@pytest.fixture
def quick_study(monkeypatch):
    """Lets `report_study` make its files of nothing, in no time."""

    def run_study(manifest, out_dir, **options):
        (out_dir / "study.json").write_text(manifest)
        return SimpleNamespace(stimuli={})

    monkeypatch.setattr("fer_nb.study.run_study", run_study)
    monkeypatch.setattr("fer_nb.study.read_manifest", lambda name, *_, **__: name)
    monkeypatch.setattr(study, "study_record", lambda *_: {})
    monkeypatch.setattr(study, "run_notebook", notebook)
    monkeypatch.setattr(study, "render", lambda _, html, *__: html.write_text("page"))


def test_exports_of_an_earlier_study_are_put_aside(tmp_path, quick_study):
    exports = {"study.pdf", "study_full.pdf", "study.pptx", "study.xlsx"}
    for run in ("first", "second"):
        reports.report_study("manifest", tmp_path, force=True)
        assert not exports & {path.name for path in tmp_path.iterdir()}
        for name in exports:
            (tmp_path / name).write_text(run)
    reports.report_study("manifest", tmp_path, force=True)
    assert not exports & {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "study_out_of_date.pptx").read_text() == "second"


def test_an_interrupted_study_goes_on(tmp_path, quick_study, monkeypatch):
    monkeypatch.setattr(study, "render", stopped)
    with pytest.raises(KeyboardInterrupt):
        reports.report_study("first", tmp_path)
    monkeypatch.setattr(study, "render", lambda _, html, *__: html.write_text("page"))
    reports.report_study("second", tmp_path)
    assert (tmp_path / "study.json").read_text() == "second"
    with pytest.raises(FerError, match=r"study\.html exists already"):
        reports.report_study("third", tmp_path)
    assert (tmp_path / "study.json").read_text() == "second"
    monkeypatch.setattr(study, "run_notebook", stopped)
    with pytest.raises(KeyboardInterrupt):
        reports.report_study("fourth", tmp_path, force=True)
    assert "This page is out of date" in (tmp_path / "study.html").read_text()
    monkeypatch.setattr(study, "run_notebook", notebook)
    reports.report_study("fourth", tmp_path)  # without --force it goes on
    assert (tmp_path / "study.html").read_text() == "page"


@pytest.mark.parametrize("step", ["run_notebook", "render"])
def test_a_second_study_into_one_folder_is_refused_until_the_page_is_made(
    tmp_path, quick_study, monkeypatch, step
):
    """Its tables would be in the first one's page."""
    usual, refused = getattr(study, step), []

    def meanwhile():
        monkeypatch.setattr(study, step, usual)
        try:
            reports.report_study("second", tmp_path, force=True)
        except FerError as error:
            refused.append(str(error))

    def slow(*arguments, **options):
        other = Thread(target=meanwhile)
        other.start()
        other.join()
        return usual(*arguments, **options)

    monkeypatch.setattr(study, step, slow)
    reports.report_study("first", tmp_path)
    assert refused == [
        f"another run is writing to {tmp_path}; wait for it, or choose another folder"
    ]
    assert (tmp_path / "study.json").read_text() == "first"


def test_a_mistyped_manifest_leaves_a_page_as_it_is(tmp_path):
    (tmp_path / "study.html").write_text("page")
    with pytest.raises(StudyError, match="no such file"):
        reports.report_study(tmp_path / "mistyped.csv", tmp_path, force=True)
    assert (tmp_path / "study.html").read_text() == "page"


def test_norms_that_are_no_folder_are_told_before_any_work(tmp_path):
    (tmp_path / "file").write_text("")
    for norms in (tmp_path / "mistyped", tmp_path / "file"):
        with pytest.raises(FerError, match=f"no folder of norms {norms}"):
            reports.report_study(tmp_path / "m.csv", tmp_path / "out", norms=norms)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("raise ValueError('the cell is broken')", "the cell is broken"),
        ("import os; os.kill(os.getpid(), 9)", r"died.*what was analysed is kept"),
    ],
)
def test_a_failing_notebook_loses_no_analysis(viewer, tmp_path, monkeypatch, cell, told):
    broken = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell)],
        metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
    )
    nbformat.write(broken, tmp_path / "broken.ipynb")
    monkeypatch.setattr(videos, "REACTION_REPORT", tmp_path / "broken.ipynb")
    with pytest.raises(FerError, match=told):
        reports.report_video(viewer, tmp_path / "out", every=5)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["viewer.parquet"]
    monkeypatch.undo()
    monkeypatch.setattr(videos, "analyze_video", wraps(analyze_video)(stopped))  # not again
    reports.report_video(viewer, tmp_path / "out", every=5)
    with pytest.raises(FerError, match="no notebook"):
        reports.run_notebook("none.ipynb", tmp_path / "x.ipynb", {})


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b/viewer 1.mp4", "viewer_1"),
        ("<script>.mp4", "script"),
        ("Zoë 日本.mp4", "Zoë_日本"),
        ("'\"&.mp4", "recording"),
        ("../..mp4", "recording"),
        ("é" * 127 + ".mp4", "é" * 100),
    ],
)
def test_file_names_are_harmless_and_readable(path, name):
    assert videos.file_name(path) == name
    assert os.sep not in videos.file_name(path)


def test_names_are_unique_even_without_case():
    assert videos.unique_names(["a/x.mp4", "b/X.mp4", "c/x.mov"]) == ["x", "X_2", "x_3"]
    assert videos.unique_names(["Index.mp4", "index.mp4"]) == ["Index_2", "index_3"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_unexpected_errors_stop_no_other_recording(tmp_path, monkeypatch, stop):
    def fail(video, *_, **options):
        raise stop("odd stream")

    monkeypatch.setattr(videos, "report_video", fail)
    names = [os.fsdecode(b"caf\xe9.mp4"), "b.mp4"]
    if stop is KeyboardInterrupt:
        with pytest.raises(KeyboardInterrupt):
            reports.report_videos(names, tmp_path)
        return
    done = reports.report_videos(names, tmp_path)
    assert [report.error for report in done] == ["ValueError: odd stream"] * 2
    assert not list(tmp_path.iterdir())  # no report, no index


def test_names_that_are_not_utf8_are_told(tmp_path, viewer):
    path = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    shutil.copy(viewer, path)
    (done,) = reports.report_videos([path], tmp_path / "out")
    assert "a name that is not UTF-8" in done.error


def test_everybody_is_blurred_whether_found_or_not(viewer):
    nobody = analyze_frames([(0.0, np.zeros((60, 80, 3), np.uint8))])
    with VideoReader(viewer) as video:
        picture = video.frame_at(0.5).image
        for table in (nobody, nobody[:0], analyze_video(viewer, every=15)):
            shown = thumbnail(video, 0.5, table)
            assert load_detector("haar")(shown) == []
            assert shown.shape == picture.shape
        np.testing.assert_array_equal(thumbnail(video, 0.5, nobody, show_faces=True), picture)


def test_side_by_side_one_broken_recording_stops_no_other(viewer, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    out = tmp_path / "out"
    done = reports.report_videos([broken, viewer], out, workers=2, time_limit_s=300)
    assert [report.ok for report in done] == [False, True]
    assert "broken.mp4" in done[0].error
    alone = reports.report_videos([viewer], tmp_path / "alone")
    a, b = (read_table(folder / f"{alone[0].name}.parquet") for folder in (out, tmp_path / "alone"))
    pd.testing.assert_frame_equal(a, b)
