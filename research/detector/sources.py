"""Pictures to learn from, in grey, with faces as YuNet sees them from four views.

The labels are made on the upright original: each picture is shown to YuNet at two sizes, as it is
and mirrored. A face that three or four views agree on is a label (the mean of their boxes and
landmarks); what fewer views see is neither a face nor background, and counts for nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np

MIRRORED = [1, 0, 2, 4, 3]  # the order of the landmarks in a mirrored picture
ASIDE_VIDEOS = (  # kept for judging, never learned from
    "liveportrait_d6", "liveportrait_d14", "liveportrait_d20", "liveportrait_s18",
    "liveportrait_s32", "fer_test", "faceapi_video", "facenet_video",
)  # fmt: skip
PEOPLE = ("astronaut.png", "camera.png")  # scikit-image's pictures of somebody
ASIDE_GENKI = 300  # the last pictures of the file


@dataclass
class Picture:
    """A grey picture: `faces` (n, 14) are x, y, width, height and five landmarks; `unsure` boxes.

    `whole` says that the picture shows the surroundings, too; a crop is pasted without them.
    """

    grey: np.ndarray
    faces: np.ndarray
    unsure: np.ndarray
    whole: bool


class Teacher:
    """YuNet from four views.

    Source
    ------
    Wu, W., Peng, H., & Yu, S. (2023). YuNet: A tiny millisecond-level face detector. *Machine
    Intelligence Research, 20*, 656-665.
    """

    def __init__(self, path: Path):
        self._net = cv2.FaceDetectorYN.create(str(path), "", (320, 320), 0.3)

    def _see(self, bgr: np.ndarray) -> np.ndarray:
        self._net.setInputSize((bgr.shape[1], bgr.shape[0]))
        found = self._net.detect(bgr)[1]
        return np.zeros((0, 15)) if found is None else np.asarray(found, float)

    def __call__(self, bgr: np.ndarray, sides: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the faces (n, 14) and the unsure boxes (m, 4) in pixels of `bgr`.

        `sides` are the lengths of the longer side at which the picture is shown.
        """
        views = []
        height, width = bgr.shape[:2]
        for side in sides:
            scale = side / max(height, width)
            size = round(width * scale), round(height * scale)
            small = cv2.resize(
                bgr, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            )
            for mirrored in (False, True):
                rows = self._see(small[:, ::-1].copy() if mirrored else small)
                if mirrored:
                    rows[:, 0] = size[0] - rows[:, 0] - rows[:, 2]
                    points = rows[:, 4:14].reshape(-1, 5, 2)[:, MIRRORED]
                    points[..., 0] = size[0] - 1 - points[..., 0]
                    rows[:, 4:14] = points.reshape(-1, 10)
                rows[:, :14] /= scale
                views.append(rows)
        return agreed(views)


def agreed(views: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the faces most views agree on, and the boxes of the others."""
    rows = np.concatenate(views)
    view = np.repeat(np.arange(len(views)), [len(v) for v in views])
    faces, unsure = [], []
    left = np.ones(len(rows), bool)
    for best in np.argsort(-rows[:, 14]):
        if not left[best]:
            continue
        same = left & (overlaps(rows[best, :4], rows[:, :4]) > 0.4)
        same[best] = True
        left &= ~same
        mean = rows[same].mean(axis=0)
        if len(set(view[same])) >= len(views) - 1 and mean[14] >= 0.7:
            faces.append(mean[:14])
        else:
            unsure.append(mean[:4])
    return np.reshape(faces, (-1, 14)), np.reshape(unsure, (-1, 4))


def overlaps(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return intersection over union of a box (4,) with boxes (n, 4) of x, y, width, height."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    return shared / (box[2] * box[3] + boxes[:, 2] * boxes[:, 3] - shared + 1e-9)


def packed(path: Path):
    """Yield the pictures of a JPEG pack, BGR."""
    pack = np.load(path)
    jpeg, offsets = pack["jpeg"], pack["offsets"]
    for start, end in pairwise(offsets):
        yield cv2.imdecode(jpeg[start:end], cv2.IMREAD_COLOR)


def frames(path: Path, every: int):
    """Yield every n-th frame of a video, BGR, the longer side at most 480 pixels."""
    video = cv2.VideoCapture(str(path))
    at = 0
    while True:
        read, frame = video.read()
        if not read:
            return
        if at % every == 0:
            scale = min(1.0, 480 / max(frame.shape[:2]))
            yield cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        at += 1


def kept_aside(name: str) -> bool:
    """Say whether a background is for judging: one in three, by the hash of its name."""
    return int(hashlib.md5(name.encode()).hexdigest(), 16) % 3 == 0


def learned(data: Path, teacher: Teacher, crops: int = 1):
    """Yield the pictures to learn from as `Picture`; of those that are mere crops, every n-th."""
    for path in sorted((data / "videos").glob("*.mp4")):
        if path.stem not in ASIDE_VIDEOS:
            for bgr in frames(path, every=6):
                yield taught(bgr, teacher, (256, 360), whole=True)
    genki = list(packed(data / "genki4k_dev.npz"))[:-ASIDE_GENKI]
    diffusion = list(packed(data / "diffusionfer_dev.npz"))
    london = list(packed(data / "london_dev.npz"))
    for bgr in genki + diffusion + london:
        yield taught(bgr, teacher, (180, 260), whole=True)
    pack = np.load(data / "faces_color.npz")
    for at, bgr in enumerate(packed(data / "faces_color.npz")):
        x0, y0, x1, y1 = pack["valid"][at]
        if at % crops == 0 and min(x1 - x0, y1 - y0) >= 60:
            yield taught(bgr[y0:y1, x0:x1], teacher, (128, 192), whole=False)
    for bgr in islice(packed(data / "rafdb_train.npz"), 0, None, crops):
        yield taught(bgr, teacher, (110, 170), whole=False, around=0.3)
    ferplus = np.load(data / "ferplus_trainval.npz")
    known = (ferplus["usage"] == 0) & (ferplus["votes"][:, -1] == 0)
    for grey in ferplus["images"][known][:: 4 * crops]:
        bgr = cv2.cvtColor(cv2.resize(grey, (96, 96), interpolation=cv2.INTER_CUBIC), 8)
        yield taught(bgr, teacher, (100, 150), whole=False, around=0.3)


def taught(bgr, teacher, sides, whole, around=0.0) -> Picture:
    """Return a picture with its labels; `around` widens a tight crop so that YuNet sees a head."""
    pad = round(around * max(bgr.shape[:2]))
    wide = cv2.copyMakeBorder(bgr, pad, pad, pad, pad, cv2.BORDER_REPLICATE) if pad else bgr
    faces, unsure = teacher(wide, tuple(round(side * (1 + 2 * around)) for side in sides))
    faces[:, [0, 1, *range(4, 14)]] -= pad
    unsure[:, :2] -= pad
    return Picture(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), faces, unsure, whole)


def backgrounds(folders: list[Path], teacher: Teacher, aside: bool):
    """Yield grey pictures without faces, the longer side at most 720, from folders of photos.

    The same picture in other sizes counts once, and is for judging if one of its files is. To learn
    from, only those in which the teacher sees nothing; to judge by, all, looked at by eye.
    """
    paths = sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")
    )
    kept, signs, judging = [], np.zeros((0, 256)), []
    for path in paths:
        bgr = cv2.imread(str(path))
        if bgr is None or min(bgr.shape[:2]) < 200 or path.name in PEOPLE:
            continue
        scale = min(1.0, 720 / max(bgr.shape[:2]))
        bgr = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        sign = cv2.resize(bgr, (16, 16), interpolation=cv2.INTER_AREA).mean(axis=2).ravel()
        sign = (sign - sign.mean()) / (16 * sign.std() + 1e-6)
        same = np.flatnonzero(signs @ sign > 0.95)
        if len(same):
            judging[same[0]] |= kept_aside(path.name)
            continue
        kept.append(bgr)
        signs = np.vstack([signs, sign])
        judging.append(kept_aside(path.name))
    for bgr, judged in zip(kept, judging, strict=True):
        if judged == aside and (aside or not any(map(len, teacher(bgr, (320, 640))))):
            yield cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)


def save(path: Path, pictures: list[Picture], bare: list[np.ndarray]) -> None:
    """Write pictures and backgrounds to one npz, so that a second run need not label again."""
    greys = [picture.grey for picture in pictures] + bare
    np.savez(
        path,
        pixels=np.concatenate([grey.ravel() for grey in greys]),
        shapes=np.array([grey.shape for grey in greys]),
        faces=np.concatenate([picture.faces for picture in pictures]),
        unsure=np.concatenate([picture.unsure for picture in pictures]),
        counts=np.array([[len(p.faces), len(p.unsure), p.whole] for p in pictures]),
    )


def load(path: Path) -> tuple[list[Picture], list[np.ndarray]]:
    """Read what `save` wrote."""
    pack = {key: value for key, value in np.load(path).items()}
    ends = np.cumsum(pack["shapes"].prod(axis=1))
    greys = [
        part.reshape(shape)
        for part, shape in zip(np.split(pack["pixels"], ends[:-1]), pack["shapes"], strict=True)
    ]
    at = np.cumsum(pack["counts"][:, :2], axis=0)[:-1]
    faces, unsure = np.split(pack["faces"], at[:, 0]), np.split(pack["unsure"], at[:, 1])
    whole = pack["counts"][:, 2].astype(bool)
    pictures = [
        Picture(*parts) for parts in zip(greys[: len(whole)], faces, unsure, whole, strict=True)
    ]
    return pictures, greys[len(whole) :]


def main(data: Path, teacher_file: Path, folders: list[Path], out: Path) -> None:
    """Label everything once."""
    cv2.setNumThreads(1)
    teacher = Teacher(teacher_file)
    pictures = []
    for picture in learned(data, teacher):
        if picture.whole or len(picture.faces) == 1:
            pictures.append(picture)
        if len(pictures) % 2000 == 0:
            print(len(pictures), flush=True)
    bare = list(backgrounds(folders, teacher, aside=False))
    save(out, pictures, bare)
    print(
        f"{len(pictures)} pictures, {sum(len(p.faces) for p in pictures)} faces, {len(bare)} bare"
    )


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument(
        "--teacher",
        type=Path,
        default=Path("../shared/weights/det/face_detection_yunet_2023mar.onnx"),
    )
    parser.add_argument("--backgrounds", type=Path, nargs="*", default=[])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    main(options.data, options.teacher, options.backgrounds, options.out)
