"""The same answers, in the same order, wherever the work is done."""

import hashlib
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from batch_work import die_of_two, end_at_two, half, threads
from hypothesis import given
from hypothesis import strategies as st

from fer_nb import load_detector, load_model
from fer_nb.batch import _ahead, fitting_workers, map_in_order, sole_writer
from fer_nb.errors import FerError, StudyError
from fer_nb.faces.detectors import describe_detector
from fer_nb.loader import VideoLoader
from fer_nb.study import StudyConfig, run_study


@pytest.fixture
def dask():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


def assert_halved(answers):
    assert [a[0] for a in answers[::2]] == list(range(5))
    assert [str(a) for a in answers[1::2]] == [f"{n} is odd" for n in (1, 3, 5, 7, 9)]
    assert all(isinstance(a, FerError) for a in answers[1::2])


@given(st.lists(st.one_of(st.none(), st.integers())))
def test_one_worker_is_map(items):
    assert list(map_in_order(str, items)) == [str(item) for item in items]


def test_one_worker_works_when_asked():
    done = []
    answers = map_in_order(done.append, [1, 2, 3])
    next(answers)
    assert done == [1]


def test_processes_keep_the_order_and_hand_on_errors():
    answers = list(map_in_order(half, range(10), workers=2))
    assert_halved(answers)
    assert os.getpid() not in {a[1] for a in answers[::2]}


def test_a_dask_cluster_keeps_the_order_and_hands_on_errors(dask):
    assert_halved(list(map_in_order(half, range(10), scheduler=dask)))


def test_a_recording_that_kills_its_worker_is_one_that_failed_on_a_cluster(dask):
    answers = list(map_in_order(end_at_two, range(6), scheduler=dask))
    assert [a for a in answers if not isinstance(a, FerError)] == [0, 1, 3, 4, 5]
    assert "the process that worked on it died" in str(answers[2])


def test_who_died_beside_another_is_tried_again_alone():
    class Died(Exception):
        pass

    running, answers = [], []

    def submit(item):
        answers.append(future := Future())
        running.append((item, future))
        return future

    def end_all():  # one of them is the recording that kills: all go with it
        for item, future in running:
            if any(other == 2 for other, _ in running):
                future.set_exception(Died())
            else:
                future.set_result(item)
        running.clear()

    def items():
        yield from range(5)
        end_all()

    def submit_alone(item):
        future = submit(item)
        if len(answers) > 5:
            end_all()
        return future

    done = list(_ahead(submit_alone, items(), lambda: 3, Died, shared_fate=True))
    assert [a for a in done if not isinstance(a, FerError)] == [0, 1, 3, 4]
    assert "the process that worked on it died" in str(done[2])


def test_an_answer_lost_with_its_worker_is_asked_for_again():
    class Died(Exception):
        pass

    class Lost(Future):  # done, but the worker where its answer lay is gone
        def exception(self):
            return None

        def result(self):
            raise Died()

    first = [Lost()]

    def submit(item):
        if first:
            return first.pop()
        future = Future()
        future.set_result(item)
        return future

    assert list(_ahead(submit, range(3), lambda: 1, Died, shared_fate=True)) == [0, 1, 2]


def test_workers_that_join_a_cluster_later_are_given_work():
    distributed = pytest.importorskip("distributed")
    kind = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "protocol": "tcp"}
    with distributed.LocalCluster(**kind, dashboard_address=None) as cluster:
        taken = []
        items = (taken.append(n) or n for n in range(100))
        answers = map_in_order(str, items, scheduler=cluster.scheduler_address)
        next(answers)
        assert len(taken) == 2
        cluster.scale(3)
        cluster.wait_for_workers(3)
        next(answers)
        assert len(taken) == 7
        answers.close()


def test_what_cannot_work_says_why():
    for options, message in (
        ({"workers": 0}, "at least 1 worker"),
        ({"workers": 2}, "cannot be sent"),
        ({"scheduler": "nowhere"}, "no Dask scheduler answers at nowhere"),
    ):
        with pytest.raises(FerError, match=message):
            list(map_in_order(lambda item: item, [1], **options))


def test_one_bad_item_never_ends_a_batch():
    answers = list(map_in_order(die_of_two, range(9), workers=2, time_limit_s=10))
    assert [a for a in answers if not isinstance(a, FerError)] == [0, 1, 3, 5, 7, 8]
    assert "died (exit code 3)" in str(answers[2])
    assert str(answers[4]) == "MemoryError: a huge picture"
    assert "time limit of 10 s" in str(answers[6])


def test_workers_use_one_thread_each(dask):
    for where in ({"workers": 2}, {"scheduler": dask}):
        assert list(map_in_order(threads, [1], **where)) == [(1, "1")]


PARENT = """
import os, time
from fer_nb.batch import map_in_order

def work(item):
    print(os.getpid(), flush=True)
    time.sleep(60)

if __name__ == "__main__":
    list(map_in_order(work, [1, 2], workers=2))
"""


SHADOWED = """
from fer_nb.batch import map_in_order

def where(name):
    return __import__(name).__file__

if __name__ == "__main__":
    for file in map_in_order(where, ["colorsys", "numpy"], workers=2):
        print(file)
"""


def test_code_beside_the_recordings_is_not_imported_by_workers(tmp_path):
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    for name in ("colorsys", "numpy", "struct", "random", "pebble"):
        (recordings / f"{name}.py").write_text("raise SystemExit('imported')")
    (tmp_path / "script.py").write_text(SHADOWED)
    run = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")],
        cwd=recordings,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.split()) == 2
    assert str(recordings) not in run.stdout


@pytest.mark.parametrize("how", ["kill", "terminate"])
def test_workers_end_with_a_parent_that_is_ended(tmp_path, how):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    workers = [int(parent.stdout.readline()) for _ in range(2)]
    getattr(parent, how)()
    parent.wait()
    end = time.time() + 15
    while any(map(alive, workers)) and time.time() < end:
        time.sleep(0.2)
    assert not any(map(alive, workers))


def press_ctrl_c(number):
    os.kill(os.getpid(), signal.SIGINT)  # at a terminal, every process of the group gets it
    return number


def test_ctrl_c_is_for_the_parent_of_workers():
    assert list(map_in_order(press_ctrl_c, range(4), workers=2)) == [0, 1, 2, 3]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def test_a_folder_has_one_writer_at_a_time(tmp_path):
    with sole_writer(tmp_path):
        code = f"from fer_nb.batch import sole_writer\nwith sole_writer({str(tmp_path)!r}): pass"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "another run is writing" in other.stderr
        with sole_writer(tmp_path):  # whoever holds it may ask again, and keeps it to the end
            pass
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "another run is writing" in other.stderr
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert not list(tmp_path.iterdir())


def test_workers_fit_the_machine(monkeypatch):
    assert fitting_workers(3) == 1
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 4_000_000, "SC_PAGE_SIZE": 1000}.get)
    assert fitting_workers(100) == 4
    assert fitting_workers(0) == 1


def test_answers_are_given_while_others_are_worked_on(tmp_path):
    answers = map_in_order(tmp_path.joinpath, (f"{n}" for n in range(1000)), workers=2)
    assert next(answers) == tmp_path / "0"
    answers.close()


def test_a_detector_is_sent_with_its_settings(astronaut):
    detector = load_detector("haar", cascade="frontalface_default", max_side=300)
    copy = pickle.loads(pickle.dumps(detector))
    assert describe_detector(copy) == describe_detector(detector)
    assert copy(astronaut) == detector(astronaut)


def test_networks_that_find_faces_are_sent_with_their_file(
    shared, astronaut, monkeypatch, tmp_path
):
    folder = shared / "weights" / "det"
    for name, file in (
        ("yunet", "face_detection_yunet_2023mar.onnx"),
        ("yolo", "yolov5n-0.5.onnx"),
    ):
        monkeypatch.chdir(folder)
        detector = load_detector(name, model=file, score=0.6)
        sent = pickle.dumps(detector)
        monkeypatch.chdir(tmp_path)  # a worker may stand elsewhere
        copy = pickle.loads(sent)
        assert describe_detector(copy) == describe_detector(detector)
        ours, theirs = copy(astronaut), detector(astronaut)
        assert [(f.x, f.y, f.score) for f in ours] == [(f.x, f.y, f.score) for f in theirs]
        assert ours


def test_a_model_is_sent_with_its_prior(astronaut):
    model = load_model(prior="balanced", threads=1)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.prior == model.prior
    face = astronaut[67:160, 177:270]
    np.testing.assert_array_equal(
        copy.predict_batch([face]).probs, model.predict_batch([face]).probs
    )


@pytest.mark.parametrize("where", ["processes", "dask"])
def test_a_study_is_the_same_wherever_it_is_analysed(tmp_path, viewer, where, request):
    quick = StudyConfig(n_boot=200, n_permutations=200)
    lines = [f"{name},film,{viewer},{start}\n" for name, start in (("ann", 0), ("bob", 0.5))]
    lines += ["cy,film,broken.mp4,0\n"]
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    (tmp_path / "m.csv").write_text("respondent,stimulus,video,start_s\n" + "".join(lines))
    options = {"config": quick, "every": 15}
    side_by_side = (
        {"workers": 2} if where == "processes" else {"scheduler": request.getfixturevalue("dask")}
    )
    told = []
    here = run_study(tmp_path / "m.csv", **options)
    options |= {"out_dir": tmp_path / "out", "progress": lambda *seen: told.append(seen)}
    there = run_study(tmp_path / "m.csv", **options, **side_by_side)
    two, broken = told  # two people in one video, and a broken one
    assert (two, broken[:3]) == ((1, 2, str(viewer), ""), (2, 2, "broken.mp4"))
    assert "broken.mp4 is not a video" in broken[3]
    pd.testing.assert_frame_equal(there.quality, here.quality)
    assert there.quality["status"].tolist()[2] == "failed"
    assert len(list((tmp_path / "out" / "tables").iterdir())) == 1


def test_side_by_side_nothing_is_hashed_twice(tmp_path, viewer, monkeypatch):
    hashed = []
    digest = hashlib.file_digest

    def hashing(file, name):
        hashed.append(file.name)
        return digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", hashing)
    copy = tmp_path / "copy.mp4"  # no process has seen it
    copy.write_bytes(viewer.read_bytes())
    (tmp_path / "m.csv").write_text(f"respondent,stimulus,video\nann,film,{copy}\n")
    run_study(tmp_path / "m.csv", out_dir=tmp_path / "out", every=15, workers=2)
    assert str(copy) not in map(str, hashed)  # but by the worker, in its own process


def test_who_works_elsewhere_need_not_see_the_folder(tmp_path, viewer):
    load = VideoLoader(tmp_path / "unseen", every=15)
    row = {"video": "ann.mp4", "path": viewer}
    table = load.work((row, None))
    assert len(table) >= 3
    assert not (tmp_path / "unseen").exists()
    assert load.work((row, table.attrs)) is None  # it still holds
    assert load.work((row, table.attrs | {"sha256": "of another"})) is not None
    (tmp_path / "unseen").mkdir()
    load.take(row, table)
    assert load.order(row) == (row, table.attrs)
    pd.testing.assert_frame_equal(load.kept(row), table)


def test_side_by_side_a_study_checks_all_before_any_work(tmp_path, viewer):
    (tmp_path / "m.csv").write_text(f"respondent,stimulus,video\nann,film,{viewer}\n")
    with pytest.raises(StudyError, match="give out_dir"):
        run_study(tmp_path / "m.csv", workers=2)
    (tmp_path / "film.mp4").write_bytes(b"no video")
    (tmp_path / "stimuli.csv").write_text("stimulus,video\nfilm,film.mp4\n")
    with pytest.raises(StudyError, match=r"film\.mp4"):
        run_study(tmp_path / "m.csv", out_dir=tmp_path / "out", workers=2)
    assert not list((tmp_path / "out" / "tables").iterdir())
