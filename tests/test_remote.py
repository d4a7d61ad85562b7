"""Recordings and results that lie elsewhere: in memory, and in an S3 store on this machine."""

import io
import socket

import fsspec
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from fer_nb import analyze_video, load_detector, load_model
from fer_nb.cli import app
from fer_nb.errors import FerError, MediaError, StudyError
from fer_nb.photos import annotate_photo
from fer_nb.remote import fetched, is_address, mirrored, path_of
from fer_nb.reports import report_videos
from fer_nb.reports.player import films_beside
from fer_nb.study import StudyConfig, load_study, run_study
from fer_nb.study.storage import films_here
from fer_nb.tables import write_table
from fer_nb.videos import annotate_recording, plan_copies


@pytest.fixture
def memory():
    files = fsspec.filesystem("memory")
    files.rm("/", recursive=True) if files.ls("/") else None
    return files


@pytest.fixture(scope="module")
def s3():
    """Options of a store that answers as S3 does."""
    server = pytest.importorskip("moto.server", reason="moto is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    running.start()
    yield f"http://127.0.0.1:{port}"
    running.stop()


@pytest.fixture
def bucket(s3, monkeypatch):
    """The address of a bucket; what reads the environment finds the store."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    store = fsspec.filesystem("s3", skip_instance_cache=True)
    if store.exists("recordings"):  # of an earlier test
        store.rm("recordings", recursive=True)
    store.mkdir("recordings")
    return "s3://recordings"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("s3://bucket/a.mp4", True),
        ("memory://a.mp4", True),
        ("clips/a.mp4", False),
        ("/clips//a.mp4", False),
        (r"C:\clips\a.mp4", False),
        ("C://clips/a.mp4", False),
    ],
)
def test_addresses_are_told_from_paths(text, address):
    assert is_address(text) is address
    assert isinstance(path_of(text), str) is address


def test_a_file_is_fetched_under_its_own_name_and_removed(memory, tmp_path):
    memory.pipe_file("/in/a b.mp4", b"film")
    with fetched("memory://in/a b.mp4") as path:
        assert (path.name, path.read_bytes()) == ("a b.mp4", b"film")
    assert not path.exists()
    (tmp_path / "x.mp4").write_bytes(b"here")
    for here in (tmp_path / "x.mp4", f"file://{tmp_path}/x.mp4"):
        with fetched(here) as path:
            assert path == tmp_path / "x.mp4"
    with (
        pytest.raises(MediaError, match="there is no file memory://in/b"),
        fetched("memory://in/b"),
    ):
        pass
    with pytest.raises(FerError, match="cannot be reached"), fetched("nosuch://in/b"):
        pass


def test_a_folder_is_brought_up_to_date_also_after_an_error(memory):
    memory.pipe_file("/out/kept.csv", b"kept")
    memory.pipe_file("/out/old.csv", b"old")
    with pytest.raises(KeyError), mirrored("memory://out") as folder:
        assert (folder / "kept.csv").read_bytes() == b"kept"
        (folder / "old.csv").unlink()
        (folder / "index").mkdir()
        (folder / "index" / "a.jpg").write_bytes(b"new")
        raise KeyError
    assert not folder.exists()
    assert set(memory.find("/out")) == {"/out/kept.csv", "/out/index/a.jpg"}


def test_results_that_cannot_be_sent_stay_here(memory, monkeypatch):
    def full(*_):
        raise OSError("quota exceeded")

    monkeypatch.setattr(type(memory), "put_file", full)
    with (
        pytest.raises(FerError, match="quota exceeded; what was made lies in"),
        mirrored("memory://out") as folder,
    ):
        (folder / "a.csv").write_text("made")
    assert (folder / "a.csv").read_text() == "made"


def test_only_what_has_changed_is_sent(memory, monkeypatch, tmp_path):
    sent = []
    put = type(memory).put_file

    def counted(files, here, there, **options):
        sent.append(there)
        put(files, here, there, **options)

    monkeypatch.setattr(type(memory), "put_file", counted)
    monkeypatch.setattr("fer_nb.reports.player.films.MAX_EMBEDDED_MB", 0.001)
    film = tmp_path / "film.mp4"
    for content, expected in (
        (b"a", {"/out/a.csv", "/out/films/film.mp4", "/out/films/.copies.json"}),
        (b"a", set()),  # fetched copies have times of their own
        (b"b", {"/out/films/film.mp4"}),
        (b"bb", {"/out/films/film.mp4", "/out/films/.copies.json"}),
    ):
        film.write_bytes(content * 2000)
        sent.clear()
        with mirrored("memory://out") as folder:
            (folder / "a.csv").write_text("written each time")
            films_beside({"film": film}, folder / "study.html")
        assert set(sent) == expected
        assert memory.cat_file("/out/films/film.mp4") == content * 2000


def assert_reported(address: str, viewer) -> None:
    files, name = fsspec.core.url_to_fs(address)
    files.pipe_file(f"{name}/in/a.mp4", viewer.read_bytes())
    for _ in range(2):  # the second time takes over what lies there
        with mirrored(f"{address}/out") as out:
            videos = [f"{address}/in/a.mp4", f"{address}/in/missing.mp4"]
            done = report_videos(videos, out, every=5)
        assert [report.ok for report in done] == [True, False]
        assert "there is no file" in done[1].error
    found = {path.rpartition("/out/")[2] for path in files.find(f"{name}/out")}
    assert found == {"index.html", "index.json", "index/a.jpg", "a.html", "a.ipynb", "a.parquet"}


def test_recordings_and_reports_may_lie_in_memory(memory, viewer):
    assert_reported("memory://store", viewer)


def test_recordings_and_reports_may_lie_in_a_bucket(bucket, viewer):
    assert_reported(bucket, viewer)


def assert_photos_are_read(address: str, astronaut, *options: str) -> None:
    files, name = fsspec.core.url_to_fs(address)
    picture = io.BytesIO()
    Image.fromarray(astronaut).save(picture, "PNG")
    for photo in ("a.png", "all/b.png", "all/more/c.PNG", "all/._b.png"):
        files.pipe_file(f"{name}/in/{photo}", picture.getvalue())
    files.pipe_file(f"{name}/in/all/broken.jpg", b"no picture")
    asked = [f"{address}/in/a.png", f"{address}/in/all", "--out", f"{address}/out", *options]
    run = CliRunner().invoke(app, ["image", *asked])
    assert isinstance(run.exception, FerError), run.output  # of the broken one
    assert "1 of the photos failed" in str(run.exception)
    assert f"{address}/in/a.png: happy" in run.output
    assert f"{address}/out/emotions.csv" in run.output
    found = {path.rpartition("/out/")[2] for path in files.find(f"{name}/out")}
    assert found == {"a.png", "a.csv", "a.csv.json", "emotions.csv"}
    table = pd.read_csv(io.BytesIO(files.cat_file(f"{name}/out/emotions.csv"))).set_index("file")
    assert sorted(table.index) == ["b.png", "broken.jpg", "more/c.PNG"]
    assert table["emotion"].fillna("-").to_dict() == {
        **{"b.png": "happy", "broken.jpg": "-", "more/c.PNG": "happy"}
    }
    assert set(table["folder"]) == {f"{address}/in/all"}


def test_photos_may_lie_in_memory(memory, astronaut):
    assert_photos_are_read("memory://store", astronaut)


def test_photos_may_lie_in_a_bucket_and_be_read_side_by_side(bucket, astronaut):
    assert_photos_are_read(bucket, astronaut, "--workers", "2")


def test_an_original_is_kept_however_it_is_named(tmp_path, astronaut):
    photo = tmp_path / "a.png"
    Image.fromarray(astronaut).save(photo)
    before = photo.read_bytes()
    options = {"model": load_model(), "detector": load_detector(), "force": True}
    with pytest.raises(MediaError, match="the original itself"):
        annotate_photo(f"file://{photo}", out=tmp_path, **options)
    assert photo.read_bytes() == before


def test_folders_of_videos_may_lie_elsewhere(memory, tmp_path):
    for name in ("/in/a.mp4", "/in/b/c.MOV", "/in/notes.txt"):
        memory.pipe_file(name, b"film")
    copies = plan_copies(["memory://in"], tmp_path)
    assert {copy.video: copy.out.relative_to(tmp_path).as_posix() for copy in copies} == {
        "memory://in/a.mp4": "a.mp4",
        "memory://in/b/c.MOV": "b/c.mp4",
    }
    with pytest.raises(FerError, match="holds no video"):
        plan_copies([f"file://{tmp_path}"], None)


def test_tables_and_films_may_lie_in_memory(memory, viewer, tmp_path):
    table = analyze_video(viewer, every=3)
    write_table(table, tmp_path / "a.parquet")
    memory.pipe_file("/tables/a.parquet", (tmp_path / "a.parquet").read_bytes())
    memory.pipe_file("/films/film.mp4", viewer.read_bytes())
    (tmp_path / "m.csv").write_text("respondent,stimulus,video\nann,film,a.mp4\n")
    (tmp_path / "stimuli.csv").write_text("stimulus,video\nfilm,memory://films/film.mp4\n")
    quick = StudyConfig(n_boot=200, n_permutations=200)
    options = {"tables": "memory://tables", "out_dir": tmp_path / "out", "config": quick}
    result = run_study(tmp_path / "m.csv", **options)
    assert result.quality["status"].tolist() == ["kept"]
    assert result.stimuli["film"].duration_s == pytest.approx(3.0, abs=0.1)
    with films_here(result.stimuli.values()) as films:
        assert films["film"].read_bytes() == viewer.read_bytes()
        assert load_study(tmp_path / "out", films).stimuli["film"].video == films["film"]
    assert load_study(tmp_path / "out").stimuli["film"].video is None
    (tmp_path / "stimuli.csv").write_text("stimulus,video\nfilm,memory://films/none.mp4\n")
    with pytest.raises(StudyError, match=r"there is no file memory://films/none\.mp4"):
        run_study(tmp_path / "m.csv", **options)
    with pytest.raises(FerError, match="there is no folder memory://nowhere"):
        run_study(tmp_path / "m.csv", **(options | {"tables": "memory://nowhere"}))


def test_videos_to_annotate_may_lie_in_memory(memory, viewer, tmp_path):
    memory.pipe_file("/in/a.mp4", viewer.read_bytes())
    (copy,) = plan_copies(["memory://in/a.mp4"], tmp_path)
    assert copy.out == tmp_path / "a.mp4"
    annotate_recording(copy, load_model(), load_detector(), every=15)
    assert {path.name for path in tmp_path.iterdir()} == {"a.mp4", "a.parquet"}


def test_annotated_copies_may_be_sent_to_a_bucket(bucket, viewer, tmp_path, monkeypatch):
    files = fsspec.filesystem("s3")
    files.pipe_file("recordings/in/a.mp4", viewer.read_bytes())
    files.pipe_file("recordings/in/b.mp4", b"no film")
    files.pipe_file("recordings/out/other.mp4", b"of somebody else")
    monkeypatch.chdir(tmp_path)
    asked = ["video", f"{bucket}/in", "--out", f"{bucket}/out", "--every", "15", "--workers", "1"]
    run = CliRunner().invoke(app, asked)
    assert str(run.exception) == "1 of 2 videos could not be analysed"
    assert f"{bucket}/out/a.mp4\n{bucket}/out/a.parquet\n" in run.output
    found = {path.rpartition("/")[2] for path in files.find("recordings/out")}
    assert found == {"a.mp4", "a.parquet", "other.mp4"}
    assert not list(tmp_path.iterdir())


def test_an_annotated_copy_may_be_sent_to_memory(memory, viewer, tmp_path, monkeypatch):
    memory.pipe_file("/out/other.mp4", b"of somebody else")
    monkeypatch.chdir(tmp_path)
    asked = ["video", str(viewer), "--out", "memory://out/a.mp4", "--every", "15", "--end", "1"]
    run = CliRunner().invoke(app, asked)
    assert run.exit_code == 0, run.output
    assert run.output.endswith("memory://out/a.mp4\nmemory://out/a.parquet\n")
    table = pd.read_parquet(io.BytesIO(memory.cat_file("/out/a.parquet")))
    assert table["emotion"].notna().any()
    before = memory.cat_file("/out/a.mp4")
    refused = CliRunner().invoke(app, [*asked, "--csv"])
    assert str(refused.exception).startswith("memory://out/a.mp4 exists already")
    assert memory.cat_file("/out/a.mp4") == before
    again = CliRunner().invoke(app, [*asked, "--csv", "--force"])
    assert again.exit_code == 0, again.output
    assert memory.exists("/out/a.csv")
    assert memory.cat_file("/out/other.mp4") == b"of somebody else"
    assert not list(tmp_path.iterdir())


def test_a_report_may_show_a_stimulus_that_lies_elsewhere(memory, viewer, tmp_path):
    memory.pipe_file("/films/film.mp4", viewer.read_bytes())
    options = ["--out", str(tmp_path / "out"), "--every", "15"]
    for film, ends in (("film.mp4", 0), ("none.mp4", 1)):
        shown = ["--stimulus", f"memory://films/{film}", "--force"]
        run = CliRunner().invoke(app, ["report", str(viewer), *shown, *options])
        assert run.exit_code == ends, run.output
    assert str(run.exception).startswith("there is no file memory://films/none.mp4")
    page = (tmp_path / "out" / f"{viewer.stem}.html").read_text()
    assert "film.mp4" in page


def assert_studied(address: str, viewer, tmp_path) -> None:
    """A manifest with what it names beside it, and a folder of recordings."""
    files, name = fsspec.core.url_to_fs(address)
    for film in ("study/recordings/a.mp4", "study/film.mp4", "films/film/ann.mp4"):
        files.pipe_file(f"{name}/{film}", viewer.read_bytes())
    here = f"bob,film,{viewer}\n"
    rows = f"respondent,stimulus,video\nann,film,recordings/a.mp4\n{here}cy,film,none.mp4\n"
    files.pipe_file(f"{name}/study/m.csv", rows.encode())
    files.pipe_file(f"{name}/study/stimuli.csv", b"stimulus,video\nfilm,film.mp4\n")
    quick = StudyConfig(n_boot=200, n_permutations=200, min_fps=1)
    options = {"config": quick, "every": 15}
    result = run_study(f"{address}/study/m.csv", out_dir=tmp_path / "out", **options)
    assert result.quality["status"].tolist() == ["kept", "kept", "failed"]
    assert result.quality["recording"].tolist() == ["recordings/a.mp4", viewer.name, "none.mp4"]
    assert f"there is no file {address}/study/none.mp4" in result.quality["messages"][2]
    assert result.stimuli["film"].video == f"{address}/study/film.mp4"
    assert result.provenance["manifest"] == "m.csv"
    result = run_study(f"{address}/films", **options)
    assert result.quality["respondent"].tolist() == ["ann"]
    assert result.quality["status"].tolist() == ["kept"]


def test_a_study_may_lie_in_memory(memory, viewer, tmp_path):
    assert_studied("memory://store", viewer, tmp_path)
    with pytest.raises(MediaError, match=r"there is no file memory://store/study/none\.csv"):
        run_study("memory://store/study/none.csv")
    memory.pipe_file("/store/study/stimuli.csv", b"stimulus,video\nother,film.mp4\n")
    with pytest.raises(StudyError, match=r"m\.csv line 2: stimulus 'film' is not in the stimuli"):
        run_study("memory://store/study/m.csv")


def test_a_study_may_lie_in_a_bucket(bucket, viewer, tmp_path):
    assert_studied(bucket, viewer, tmp_path)


def test_the_page_of_a_study_that_lies_elsewhere_is_made_and_made_again(memory, viewer, tmp_path):
    memory.pipe_file("/store/a.mp4", viewer.read_bytes())
    memory.pipe_file("/store/m.csv", b"respondent,stimulus,video\nann,film,a.mp4\n")
    out = ["--out", str(tmp_path), "--every", "15"]
    quick = ["--set", "n_boot=200", "--set", "n_permutations=200", "--set", "min_fps=1"]
    run = CliRunner().invoke(app, ["study", "memory://store/m.csv", *out, *quick])
    assert run.exit_code == 0, run.output
    again = CliRunner().invoke(app, ["reproduce", str(tmp_path / "study.html")])
    assert again.exit_code == 0, again.output


def test_a_manifest_may_name_addresses(memory, viewer, tmp_path):
    memory.pipe_file("/in/a.mp4", viewer.read_bytes())
    rows = "ann,film,memory://in/a.mp4\nbob,film,memory://in/missing.mp4\n"
    (tmp_path / "m.csv").write_text(f"respondent,stimulus,video\n{rows}")
    quick = StudyConfig(n_boot=200, n_permutations=200)
    for _ in range(2):
        result = run_study(tmp_path / "m.csv", out_dir=tmp_path / "out", config=quick, every=3)
        assert result.quality["status"].tolist() == ["kept", "failed"]
        assert result.quality["recording"][0] == "memory://in/a.mp4"
    assert len(list((tmp_path / "out" / "tables").iterdir())) == 1
