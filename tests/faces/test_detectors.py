import json
from pathlib import Path

import numpy as np
import pytest

from fer_nb import load_model
from fer_nb.errors import FerError, ModelError
from fer_nb.faces import Face
from fer_nb.faces.detectors import describe_detector, load_detector
from fer_nb.faces.haar import cascade_names
from fer_nb.opencv import cv2


def is_on(face: Face, x: float, y: float) -> bool:
    return face.x < x < face.x + face.width and face.y < y < face.y + face.height


@pytest.mark.parametrize("cascade", ["frontalface_alt2", "haarcascade_frontalface_default.xml"])
def test_haar_finds_the_face(astronaut, cascade):
    (face,) = load_detector("haar", cascade=cascade)(astronaut)
    assert is_on(face, 224, 115)
    assert 70 < face.width < 130
    assert np.isnan(face.yaw_ratio)


def test_haar_takes_any_cascade_file(tmp_path, astronaut):
    copy = tmp_path / "my own cascade.xml"
    copy.write_bytes((load_detector("haar").cascade).read_bytes())
    assert len(load_detector("haar", cascade=str(copy))(astronaut)) == 1
    other = copy.rename(tmp_path / "my cascade")  # whatever it is called
    assert len(load_detector("haar", cascade=str(other))(astronaut)) == 1
    assert "frontalface_alt_tree" in cascade_names()
    assert load_detector("haar", cascade="eye")(astronaut[60:180, 160:290])
    assert describe_detector(load_detector(f"haar/{other}"))["cascade"] == "my cascade"
    same = (
        load_detector("haar/frontalface_default"),
        load_detector("haar", cascade="frontalface_default"),
    )
    assert describe_detector(same[0]) == describe_detector(same[1])


@pytest.mark.parametrize(
    "shape", [(1, 1, 3), (5, 300, 3), (40, 40), (200, 300), (1, 5000, 3), (5000, 1)]
)
def test_haar_finds_nothing_in_empty_pictures_of_any_size(shape):
    assert load_detector("haar")(np.full(shape, 128, np.uint8)) == []


@pytest.mark.parametrize(
    "options",
    [{"max_side": 0}, {"max_side": float("nan")}, {"scale_factor": 1.0}, {"min_neighbors": 4.5}],
    ids=str,
)
def test_settings_that_cannot_work_are_refused_at_once(options):
    with pytest.raises(ModelError):
        load_detector("haar", **options)


def test_a_network_of_another_kind_is_no_yolo():
    with pytest.raises(ModelError, match="yolo detector does not take that"):
        load_detector("yolo", model=load_model().folder / "model.onnx")


def test_what_is_no_picture_is_refused():
    for wrong in (np.zeros((50, 50, 3)), np.zeros((0, 5), np.uint8), np.zeros((9, 9, 4), np.uint8)):
        with pytest.raises(FerError, match="uint8 array"):
            load_detector("haar")(wrong)


def test_boxes_do_not_depend_on_resolution(astronaut):
    detector = load_detector("haar")
    (small,) = detector(astronaut)
    (large,) = detector(cv2.resize(astronaut, None, fx=4, fy=4))
    for name in ("x", "y", "width", "height"):
        assert getattr(large, name) / 4 == pytest.approx(getattr(small, name), abs=12)


def test_unknown_names_say_what_there_is(tmp_path):
    with pytest.raises(ModelError, match="haar, yunet, yolo"):
        load_detector("dlib")
    with pytest.raises(ModelError, match="frontalface_default"):
        load_detector("haar/nose_ring")
    with pytest.raises(ModelError, match="does not take"):
        load_detector("haar", color="red")
    with pytest.raises(ModelError, match="needs a YOLOv5-face model"):
        load_detector("yolo")
    broken = tmp_path / "broken.xml"
    broken.write_text("<opencv_storage></opencv_storage>")
    with pytest.raises(ModelError, match="not a cascade"):
        load_detector("haar", cascade=str(broken))
    for name in ("yunet", "yolo"):
        with pytest.raises(ModelError, match="there is no"):
            load_detector(f"{name}/{tmp_path / 'missing.onnx'}")
        text = tmp_path / "text.onnx"
        text.write_text("not a network")
        with pytest.raises(ModelError, match="is not a"):
            load_detector(name, model=text)


def test_other_networks_are_no_yunet(shared):
    with pytest.raises(ModelError, match="not a YuNet model"):
        load_detector("yunet", model=shared / "weights" / "det" / "yolov5n-0.5.onnx")


def test_any_detector_can_be_described():
    class Slotted:
        __slots__ = ("name", "net")

        def __call__(self, image):
            return []

    class Odd(Slotted):
        name = "odd"

        def __init__(self):
            self.least, self.sides = np.float32(0.5), (3, [4, None])
            self.matrix, self.made, self.huge = np.eye(2), object(), list(range(99))

    told = describe_detector(Odd())
    assert json.loads(json.dumps(told)) == told
    assert told["least"] == 0.5
    assert told["sides"] == [3, [4, None]]
    assert told["made"] == "<object object>"  # the same in every run
    assert "array" in told["matrix"]
    assert len(told["huge"]) <= 200
    plain = Slotted()
    plain.name = "plain"
    assert describe_detector(plain) == {"name": "plain"}
    assert describe_detector(lambda image: [])["name"] == "function"


def test_yunet_offline_says_what_to_do(tmp_path, monkeypatch):
    from fer_nb import weights as zoo

    monkeypatch.setenv("FER_NB_CACHE", str(tmp_path))
    entry = zoo.DOWNLOADS["yunet"]
    nowhere = zoo.Download("http://127.0.0.1:9/x.onnx", entry.sha256, entry.license)
    monkeypatch.setitem(zoo.DOWNLOADS, "yunet", nowhere)
    with pytest.raises(ModelError) as caught:
        load_detector("yunet")
    for part in (nowhere.url, str(tmp_path), entry.sha256):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("name", "file"),
    [("yunet", "face_detection_yunet_2023mar.onnx"), ("yolo", "yolov5n-0.5.onnx")],
)
def test_networks_find_the_face_and_its_landmarks(shared, astronaut, name, file):
    detector = load_detector(name, model=shared / "weights" / "det" / file)
    (face,) = detector(astronaut)
    (haar,) = load_detector("haar")(astronaut)
    assert is_on(face, haar.x + haar.width / 2, haar.y + haar.height / 2)
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_eye[1] < nose[1] < right_mouth[1]
    assert right_mouth[0] < left_mouth[0]
    assert abs(face.yaw_ratio) < 0.2
    mirrored = detector(np.ascontiguousarray(astronaut[:, ::-1]))[0]
    assert mirrored.x + mirrored.width / 2 == pytest.approx(512 - face.x - face.width / 2, abs=5)
    # Every detector's margin makes about the same crop of the same head.
    sides = [
        max(f.width, f.height) * (1 + d.margin)
        for f, d in ((face, detector), (haar, load_detector("haar")))
    ]
    assert sides[0] == pytest.approx(sides[1], rel=0.15)


def test_small_faces_are_left_out_by_any_detector(astronaut, shared):
    yunet = Path(shared) / "weights" / "det" / "face_detection_yunet_2023mar.onnx"
    for name, options in (("haar", {}), ("face5", {}), ("yunet", {"model": yunet})):
        assert len(load_detector(name, **options)(astronaut)) == 1
        assert load_detector(name, min_size=200, **options)(astronaut) == []
        with pytest.raises(ModelError, match="min_size"):
            load_detector(name, min_size=-1, **options)


def test_a_detector_shows_its_settings():
    shown = repr(load_detector("haar", min_neighbors=7))
    assert shown.startswith("HaarDetector(")
    assert "min_neighbors=7" in shown
