"""Faults made to happen while a study is analysed side by side: nothing that was done is lost.

After each, the other recordings are done, the failed ones named, and nothing is left lying about;
the same call again completes what is missing, to the tables of an undisturbed run.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from permissions import obey_permissions

from fer_nb.errors import FerError
from fer_nb.faces import Face
from fer_nb.reports import report_videos
from fer_nb.study import StudyConfig, run_study
from fer_nb.tables import read_table

resource = pytest.importorskip("resource", reason="limits and signals are those of POSIX")

NAMES = ("a", "b", "c", "d")
QUICK = StudyConfig(n_boot=200, n_permutations=200, min_fps=1)


class Saboteur:
    """A detector that does once what the file it is given says, on the first picture it sees."""

    name, margin = "saboteur", 0.0

    def __init__(self, flag: Path):
        self._flag = flag

    def __call__(self, image) -> list[Face]:
        try:
            fault = self._flag.read_text()
            self._flag.unlink()  # one of two processes succeeds
        except FileNotFoundError:
            fault = ""
        if fault == "kill the worker":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "press Ctrl-C":
            os.kill(os.getppid(), signal.SIGINT)
            time.sleep(60)
        if fault == "kill all":
            os.kill(os.getppid(), signal.SIGKILL)
        if fault == "fill the disk":
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        if fault == "stumble":
            raise OSError(5, "Input/output error")
        if fault == "exhaust the memory":
            raise MemoryError("12000 by 12000 pixels")
        if fault == "hang":
            time.sleep(600)
        if fault.startswith("remove "):
            Path(fault.removeprefix("remove ")).unlink()
        if fault.startswith("close "):
            Path(fault.removeprefix("close ")).chmod(0o500)
            obey_permissions()
        return [Face(100.0, 60.0, 120.0, 120.0, 0.9)]


def run(folder: Path, **options):
    return run_study(
        folder / "m.csv",
        out_dir=folder / "out",
        config=QUICK,
        every=5,
        detector=Saboteur(folder / "fault"),
        **options,
    )


@pytest.fixture
def recordings(tmp_path, viewer) -> Path:
    """A folder of four recordings and their manifest."""
    lines = [f"{name},film,{name}.mp4" for name in NAMES]
    (tmp_path / "m.csv").write_text("respondent,stimulus,video\n" + "\n".join(lines) + "\n")
    for name in NAMES:
        shutil.copy(viewer, tmp_path / f"{name}.mp4")
    return tmp_path


@pytest.fixture(scope="module")
def undisturbed(viewer, tmp_path_factory):
    """(tables, quality) of a run in which nothing happens."""
    folder = tmp_path_factory.mktemp("undisturbed")
    lines = [f"{name},film,{name}.mp4" for name in NAMES]
    (folder / "m.csv").write_text("respondent,stimulus,video\n" + "\n".join(lines) + "\n")
    for name in NAMES:
        shutil.copy(viewer, folder / f"{name}.mp4")
    quality = run(folder).quality
    assert quality["status"].tolist() == ["kept"] * 4
    return tables(folder), quality


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """The finished tables, by recording; nothing else may lie in any folder of the study."""
    found = {}
    for path in (folder / "out").rglob("*"):
        assert ".part" not in path.name, path
        if path.parent.name == "tables":
            found[path.name[0]] = read_table(path)
    return found


def assert_completes(folder: Path, undisturbed) -> None:
    before = {p: p.stat().st_mtime_ns for p in (folder / "out" / "tables").glob("*.parquet")}
    quality = run(folder).quality
    again = tables(folder)
    assert set(again) == set(NAMES)
    for name, table in again.items():
        pd.testing.assert_frame_equal(table, undisturbed[0][name])
        assert table.attrs == undisturbed[0][name].attrs
    pd.testing.assert_frame_equal(quality, undisturbed[1])
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())  # not made twice


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("kill the worker", r"the process that worked on it died"),
        ("stumble", r"OSError: .*Input/output error"),
        ("exhaust the memory", r"MemoryError: 12000 by 12000 pixels"),
        ("fill the disk", r"cannot write .*File too large"),
        ("hang", r"took longer than the time limit of 60 s"),
        ("remove {folder}/a.mp4", r"a\.mp4"),
        ("close {folder}/out/tables", r"cannot write to the folder"),
    ],
)
def test_one_recording_fails_and_the_same_call_completes_it(
    recordings, undisturbed, viewer, fault, told
):
    (recordings / "fault").write_text(fault.format(folder=recordings))
    quality = run(recordings, workers=2, time_limit_s=60 if fault == "hang" else None).quality
    failed = quality[quality["status"] == "failed"]
    # A worker whose disk is full has it for the next one, too; a closed folder is so for all.
    assert 1 <= len(failed) < (5 if fault.startswith("close") else 4)
    assert failed["messages"].str.contains(told).all(), failed["messages"].tolist()
    assert set(tables(recordings)) == set(quality[quality["status"] == "kept"]["respondent"])
    (recordings / "out" / "tables").chmod(0o700)
    if not (recordings / "a.mp4").exists():
        shutil.copy(viewer, recordings / "a.mp4")
    assert_completes(recordings, undisturbed)


def report(folder: Path, *, names=("a", "b"), workers=2):
    videos, quick = [folder / f"{name}.mp4" for name in names], {"every": 5}
    saboteur = Saboteur(folder / "fault")
    return report_videos(videos, folder / "out", workers=workers, detector=saboteur, **quick)


def assert_reports_complete(folder: Path, undisturbed) -> None:
    """The same call makes what is missing, analyses nothing twice, and leaves nothing else."""
    out = folder / "out"
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    assert all(made.ok for made in report(folder))
    kinds = ("html", "ipynb", "parquet")
    whole = {"index.html", "index.json", *(f"{name}.{kind}" for name in "ab" for kind in kinds)}
    assert {path.name for path in out.iterdir() if path.is_file()} == whole
    for name in "ab":
        table = read_table(out / f"{name}.parquet")
        pd.testing.assert_frame_equal(table, undisturbed[0][name])
        assert table.attrs == undisturbed[0][name].attrs
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("kill the worker", "the process that worked on it died"),
        ("fill the disk", "cannot write .*File too large"),
        ("remove {folder}/a.mp4", "a.mp4"),
    ],
)
def test_one_report_fails_and_the_same_call_completes_it(
    recordings, undisturbed, viewer, fault, told
):
    (recordings / "fault").write_text(fault.format(folder=recordings))
    failed = [made for made in report(recordings) if not made.ok]
    assert failed
    assert all(re.search(told, made.error) for made in failed), [made.error for made in failed]
    if not (recordings / "a.mp4").exists():
        shutil.copy(viewer, recordings / "a.mp4")
    assert_reports_complete(recordings, undisturbed)


UNRELIABLE = """
import os, sys
from pathlib import Path

left = Path(__file__).with_name("failures")
if count := int(left.read_text()):
    left.write_text(str(count - 1))
    sys.exit("this kernel does not start")
os.execv(sys.executable, [sys.executable, "-m", "ipykernel_launcher", *sys.argv[1:]])
"""


@pytest.mark.parametrize("failures", [1, 2])
def test_a_kernel_that_does_not_start_loses_no_analysis(
    recordings, undisturbed, monkeypatch, failures
):
    """Once is tried again; twice is the first recording's error, and what it cost is kept."""
    kernel = recordings / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "failures").write_text(str(failures))
    (kernel / "start.py").write_text(UNRELIABLE)
    argv = [sys.executable, str(kernel / "start.py"), "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "unreliable", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(recordings / "jupyter"))
    done = report(recordings, workers=1)
    assert (kernel / "failures").read_text() == "0"
    assert [made.ok for made in done] == [failures == 1, True]
    assert (recordings / "out" / "a.parquet").exists()
    if failures == 2:
        assert "no notebook can be run" in done[0].error
    assert_reports_complete(recordings, undisturbed)


def test_after_ctrl_c_the_same_call_goes_on(recordings, undisturbed, request):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # as at a terminal
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    (recordings / "fault").write_text("press Ctrl-C")
    with pytest.raises(KeyboardInterrupt):
        run(recordings, workers=2)
    assert len(tables(recordings)) < len(NAMES)  # who pressed it was ended, and did not go on
    assert not (recordings / "out" / "study.json").exists()
    assert_completes(recordings, undisturbed)


def test_after_the_whole_program_was_killed_the_same_call_goes_on(recordings, undisturbed):
    (recordings / "fault").write_text("kill all")
    code = "import sys, pathlib, test_faults\n"
    code += "if __name__ == '__main__':\n    test_faults.run(pathlib.Path(sys.argv[1]), workers=2)"
    (recordings / "killed.py").write_text(code)
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    killed = subprocess.run(
        [sys.executable, str(recordings / "killed.py"), str(recordings)],
        env=os.environ | {"PYTHONPATH": path},
        timeout=300,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    time.sleep(3)  # its workers look after it once a second
    assert_completes(recordings, undisturbed)


def test_a_folder_that_cannot_be_written_to_is_told_before_any_work(recordings):
    (recordings / "fault").write_text("stumble")
    (recordings / "out").write_text("a file where the folder should be")
    with pytest.raises(FerError, match="cannot make the folder"):
        run(recordings, workers=2)
    assert (recordings / "fault").exists()  # nothing was looked at
