"""YOLOv5-face networks of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fer_nb.errors import ModelError
from fer_nb.faces.face import Face, check_picture, largest_first
from fer_nb.faces.settings import Settings, checked_size
from fer_nb.opencv import cv2


class YoloDetector(Settings):
    """A YOLOv5-face network in ONNX form: letterboxed RGB in, three raw heads out.

    Parameters
    ----------
    model : str or Path
        The ONNX file. None is shipped or downloaded, as those in circulation are GPL-licensed.
    score : float
        Least confidence, 0 to 1.
    overlap : float
        Boxes that overlap a better one by more than this are dropped.
    min_size : float
        Least longer side of a face's box, in pixels of the picture given.

    Source
    ------
    Qi, D., Tan, W., Yao, Q., & Liu, J. (2022). YOLO5Face: Why reinventing a face detector.
    """

    name = "yolo"
    margin = 0.0

    # (width, height) of the three anchors of each head, in pixels of the network's input.
    _ANCHORS = ((4, 5, 8, 10, 13, 16), (23, 29, 43, 55, 73, 105), (146, 217, 231, 300, 335, 433))

    def __init__(
        self,
        model: str | Path | None = None,
        score: float = 0.5,
        overlap: float = 0.45,
        min_size: float = 0.0,
    ):
        if model is None:
            raise ModelError(
                "the YOLO detector needs a YOLOv5-face model in ONNX form: "
                "load_detector('yolo', model='yolov5n-face.onnx')"
            )
        from fer_nb.weights import onnx_session

        self.model = Path(model)
        self._session = onnx_session(self.model)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(outputs) != 3 or len(inputs[0].shape) != 4:
            raise ModelError(f"{self.model} is not a YOLOv5-face model with three raw heads")
        self._input = inputs[0].name
        self._side = int(inputs[0].shape[2])
        self.score = score
        self.overlap = overlap
        self.min_size = checked_size(min_size)

    def __call__(self, image: np.ndarray) -> list[Face]:
        """Return the faces in an RGB (or grey) uint8 picture, largest first; refuse any other."""
        return largest_first(self.near(image), self.min_size)

    def near(self, region: np.ndarray) -> list[Face]:
        """Return the faces in a cut around a known face, whatever their size, largest first."""
        image = check_picture(region)
        rgb = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB) if image.ndim == 2 else image
        height, width = rgb.shape[:2]
        scale = self._side / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(
            rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        )
        board = np.full((self._side, self._side, 3), 114, dtype=np.uint8)
        board[: size[1], : size[0]] = small
        blob = board.transpose(2, 0, 1)[None].astype(np.float32) / 255
        heads = self._session.run(None, {self._input: blob})
        heads.sort(key=lambda head: -head.shape[2])  # finest grid first, as the anchors stand
        rows = np.concatenate(
            [self._decode(h, a) for h, a in zip(heads, self._ANCHORS, strict=True)]
        )
        rows = rows[rows[:, 4] >= self.score]
        rows[:, :4] /= scale
        rows[:, 5:] /= scale
        keep = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), rows[:, 4].tolist(), self.score, self.overlap)
        faces = [
            Face(x, y, width, height, score=score, landmarks=np.reshape(landmarks, (5, 2)))
            for x, y, width, height, score, *landmarks in rows[np.ravel(keep).astype(int)].tolist()
        ]
        return largest_first(faces)

    def _decode(self, head: np.ndarray, anchors: tuple[int, ...]) -> np.ndarray:
        """Rows of x, y, width, height, score and ten landmark coordinates, in input pixels."""
        _, _, rows, columns, values = head.shape
        stride = self._side / rows
        anchor = np.array(anchors, dtype=float).reshape(3, 1, 1, 2)
        grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1)
        raw = head[0].astype(float)
        sigmoid = 1 / (1 + np.exp(-raw))
        centre = (sigmoid[..., :2] * 2 - 0.5 + grid) * stride
        size = (sigmoid[..., 2:4] * 2) ** 2 * anchor
        score = sigmoid[..., 4:5] * sigmoid[..., 15:16]
        points = raw[..., 5:15].reshape(3, rows, columns, 5, 2) * anchor[..., None, :]
        points = (points + grid[..., None, :] * stride).reshape(3, rows, columns, 10)
        flat = np.concatenate([centre - size / 2, size, score, points], axis=-1)
        return flat.reshape(-1, values - 1)
