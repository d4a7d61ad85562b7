"""The same answers, in the same order, wherever the work is done."""

import os
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_nb import load_detector, load_model
from fer_nb.cluster import map_in_order
from fer_nb.detectors import describe_detector
from fer_nb.errors import FerError, StudyError
from fer_nb.study import StudyConfig, run_study


def half(number):
    if number % 2:
        raise FerError(f"{number} is odd")
    return number // 2, os.getpid()


def die(number):
    os._exit(1)


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


def test_what_cannot_work_says_why():
    for options, message in (
        ({"workers": 0}, "1 worker at least"),
        ({"workers": 2}, "cannot be sent"),
        ({"scheduler": "nowhere"}, "no Dask scheduler answers at nowhere"),
    ):
        with pytest.raises(FerError, match=message):
            list(map_in_order(lambda item: item, [1], **options))


def test_a_process_that_dies_is_told():
    with pytest.raises(FerError, match="worker process died"):
        list(map_in_order(die, [1, 2], workers=2))


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
    assert told == [(1, 2), (2, 2)]  # two people in one video, and a broken one
    pd.testing.assert_frame_equal(there.quality, here.quality)
    assert there.quality["status"].tolist()[2] == "failed"
    assert len(list((tmp_path / "out" / "tables").iterdir())) == 1


def test_side_by_side_a_study_checks_all_before_any_work(tmp_path, viewer):
    (tmp_path / "m.csv").write_text(f"respondent,stimulus,video\nann,film,{viewer}\n")
    with pytest.raises(StudyError, match="give out_dir"):
        run_study(tmp_path / "m.csv", workers=2)
    (tmp_path / "film.mp4").write_bytes(b"no video")
    (tmp_path / "stimuli.csv").write_text("stimulus,video\nfilm,film.mp4\n")
    with pytest.raises(StudyError, match=r"film\.mp4"):
        run_study(tmp_path / "m.csv", out_dir=tmp_path / "out", workers=2)
    assert not list((tmp_path / "out" / "tables").iterdir())
