"""Made scenes: labelled pictures warped, pasted, covered, lit; and what each cell must answer."""

from __future__ import annotations

import cv2
import numpy as np
from sources import MIRRORED, Picture, overlaps

from fer_nb.faces.face5 import STRIDES

SIDE = 160
SMALLEST = 8  # pixels; smaller faces count for nothing
# Faces of which size (square root of the area, in pixels) belong to each stride; and the wider
# range in which a cell that answers is not blamed.
SIZES = ((0, 40), (32, 100), (80, 1e9))
TOLERATED = ((0, 56), (24, 130), (60, 1e9))


def moved(faces: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return faces (n, 14) under an affine map (2, 3): a box bounds the ellipse in its old box."""
    linear = matrix[:, :2]
    half = faces[:, 2:4] / 2
    centre = (faces[:, :2] + half) @ linear.T + matrix[:, 2]
    half = np.sqrt(half**2 @ (linear**2).T)
    points = faces[:, 4:14].reshape(-1, 5, 2) @ linear.T + matrix[:, 2]
    return np.hstack([centre - half, 2 * half, points.reshape(-1, 10)])


def mirrored(picture: Picture) -> Picture:
    """Return the mirror image, the right eye still the person's own."""
    width = picture.grey.shape[1]
    faces, unsure = picture.faces.copy(), picture.unsure.copy()
    for boxes in (faces, unsure):
        boxes[:, 0] = width - boxes[:, 0] - boxes[:, 2]
    points = faces[:, 4:14].reshape(-1, 5, 2)[:, MIRRORED]
    points[..., 0] = width - points[..., 0]
    faces[:, 4:14] = points.reshape(-1, 10)
    return Picture(picture.grey[:, ::-1], faces, unsure, picture.whole)


class Scenes:
    """An endless row of made scenes from labelled pictures and bare backgrounds."""

    def __init__(
        self, pictures: list[Picture], bare: list[np.ndarray], hard: list[tuple], seed: int
    ):
        self.random = np.random.default_rng(seed)
        self.hard = hard  # (background, box) of what was taken for a face and is none
        self.whole = [p for p in pictures if p.whole and len(p.faces)]
        self.crops = [p for p in pictures if not p.whole]
        self.turned = [p for p in self.whole + self.crops if is_turned(p.faces[0])]
        self.bare = bare

    def scene(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return a grey picture (SIDE, SIDE), its faces (n, 14) and the unsure boxes (m, 4)."""
        draw = self.random.random()
        if draw < 0.4:
            canvas, faces, unsure = self._photograph()
        else:
            canvas, faces, unsure = self._ground()
        if 0.3 < draw < 0.85:
            canvas, faces, unsure = self._crowded(canvas, faces, unsure)
        if self.random.random() < 0.6:
            canvas = self._with_decoys(canvas, np.vstack([faces[:, :4], unsure]))
        for face in faces:
            if self.random.random() < 0.15:
                self._cover(canvas, face)
        canvas = self._lit(canvas)
        return canvas, *sorted_out(faces, unsure)

    def _one(self, choices: list) -> object:
        return choices[self.random.integers(len(choices))]

    def _angle(self) -> float:
        return (
            self.random.uniform(-50, 50) if self.random.random() < 0.6 else self.random.normal(0, 8)
        )

    def _size(self, low: float, high: float) -> float:
        return float(np.exp(self.random.uniform(np.log(low), np.log(high))))

    def _warp(self, picture: Picture, size: float, at: np.ndarray):
        """Return a picture laid on the canvas, where it lies, and its labels there.

        One of its faces, chosen at random, comes to lie at `at`, its longer side `size` pixels.
        """
        if self.random.random() < 0.5:
            picture = mirrored(picture)
        face = picture.faces[self.random.integers(len(picture.faces))]
        scale = size / max(face[2:4])
        grey, first = picture.grey, 1.0
        if scale < 0.8:  # shrink by area first, or fine structure turns to noise
            first = max(scale, 4 / min(grey.shape))
            grey = cv2.resize(grey, None, fx=first, fy=first, interpolation=cv2.INTER_AREA)
        radians = np.deg2rad(self._angle())
        turn = np.array([[np.cos(radians), np.sin(radians)], [-np.sin(radians), np.cos(radians)]])
        stretch = np.diag(np.exp(self.random.normal(0, 0.06, 2)))
        linear = turn @ stretch * scale
        centre = face[:2] + face[2:4] / 2
        matrix = np.hstack([linear, (at - linear @ centre)[:, None]])
        inner = np.hstack([linear / first, matrix[:, 2:]])
        laid = cv2.warpAffine(
            np.ascontiguousarray(grey), inner, (SIDE, SIDE), flags=cv2.INTER_LINEAR
        )
        where = cv2.warpAffine(np.ones(grey.shape, np.float32), inner, (SIDE, SIDE))
        unsure = np.hstack([picture.unsure, np.zeros((len(picture.unsure), 10))])
        return laid, where, moved(picture.faces, matrix), moved(unsure, matrix)[:, :4], face, inner

    def _photograph(self):
        """Return a whole picture, turned, on a background or on a plain border."""
        size = self._size(18, 150)
        at = self.random.uniform(0.3, 0.7, 2) * SIDE
        kind = self.turned if self.random.random() < 0.35 else self.whole
        laid, where, faces, unsure, *_ = self._warp(self._one(kind), size, at)
        if self.random.random() < 0.4:
            plain = self.random.choice([0, self.random.integers(256)])
            ground = np.full((SIDE, SIDE), plain, np.uint8)
        else:
            ground = self._backdrop()
        return blend(ground, laid, where), faces, unsure

    def _ground(self):
        """Return a background, or a photograph whose faces are painted over."""
        empty = np.zeros((0, 14)), np.zeros((0, 4))
        if self.random.random() < 0.6:
            return self._backdrop(), *empty
        canvas, faces, unsure = self._photograph()
        for x, y, w, h in np.vstack([faces[:, :4], unsure]):
            over = np.zeros((SIDE, SIDE), np.float32)
            axes = int(0.6 * w) + 1, int(0.6 * h) + 1
            cv2.ellipse(over, (int(x + w / 2), int(y + h / 2)), axes, 0, 0, 360, 1.0, -1)
            over = cv2.GaussianBlur(over, (0, 0), 0.5 + 0.03 * w)
            canvas = blend(canvas, self._backdrop(), over)
        return canvas, *empty

    def _backdrop(self) -> np.ndarray:
        """Return a piece of a bare picture, or of a face so near that it is none."""
        if self.hard and self.random.random() < 0.25:
            return self._mistaken()
        if self.random.random() < 0.1:
            picture = self._one(self.crops)
            height, width = picture.grey.shape
            side = int(self.random.uniform(0.15, 0.4) * min(height, width))
        else:
            picture = None
            grey = self._one(self.bare)
            height, width = grey.shape
            side = int(min(height, width) * self.random.uniform(0.2, 1.0))
        grey = picture.grey if picture else grey
        x = self.random.integers(width - side + 1)
        y = self.random.integers(height - side + 1)
        piece = grey[y : y + side, x : x + side]
        how = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
        piece = cv2.resize(np.ascontiguousarray(piece), (SIDE, SIDE), interpolation=how)
        return piece[:, ::-1].copy() if self.random.random() < 0.5 else piece

    def _mistaken(self) -> np.ndarray:
        """Return a piece of a bare picture with something in it that was taken for a face."""
        grey, (x, y, w, h) = self._one(self.hard)
        side = int(SIDE * max(w, h) / self._size(10, 90))
        side = int(np.clip(side, max(w, h), min(grey.shape)))
        corner = np.array([x + w / 2, y + h / 2]) - side * self.random.uniform(0.15, 0.85, 2)
        x, y = np.clip(corner, 0, np.array(grey.shape[::-1]) - side).astype(int)
        piece = np.ascontiguousarray(grey[y : y + side, x : x + side])
        how = cv2.INTER_AREA if side > SIDE else cv2.INTER_LINEAR
        piece = cv2.resize(piece, (SIDE, SIDE), interpolation=how)
        return piece[:, ::-1].copy() if self.random.random() < 0.5 else piece

    def _crowded(self, canvas, faces, unsure):
        """Paste up to twelve faces where none is, with soft borders or as a cut-out picture."""
        largest = self._size(12, 100)
        count = self.random.integers(1, int(np.clip(240 / largest, 2, 13)))
        for _ in range(count):
            size = self._size(max(SMALLEST, largest / 3), largest)
            at = self.random.uniform(0.02, 0.98, 2) * SIDE
            box = np.array([*(at - 0.6 * size), 1.2 * size, 1.2 * size])
            if (overlaps(box, np.vstack([faces[:, :4], unsure])) > 0.02).any():
                continue
            draw = self.random.random()
            kind = self.turned if draw < 0.35 else self.crops if draw < 0.75 else self.whole
            picture = self._one(kind)
            laid, where, new, doubtful, face, _ = self._warp(picture, size, at)
            soft = self._cut_out(picture, face, where, new, at, size)
            canvas = blend(canvas, laid, soft)
            shown = np.array([is_shown(soft, row) for row in new], bool)
            faces = np.vstack([faces, new[shown]])
            unsure = np.vstack([unsure, new[~shown, :4], doubtful])
        return canvas, faces, unsure

    def _with_decoys(self, canvas: np.ndarray, taken: np.ndarray) -> np.ndarray:
        """Paste what is no face: lamps, an eye, lettering, stripes, a piece of anything."""
        for _ in range(self.random.integers(1, 6)):
            size = self._size(9, 90)
            at = self.random.uniform(0.02, 0.98, 2) * SIDE
            box = np.array([*(at - 0.6 * size), 1.2 * size, 1.2 * size])
            if (overlaps(box, taken) > 0.01).any():
                continue
            x, y = map(int, at)
            axes = tuple(int(v) + 1 for v in size / 2 * self.random.uniform(0.7, 1.2, 2))
            share = np.zeros((SIDE, SIDE), np.float32)
            cv2.ellipse(share, (x, y), axes, self._angle(), 0, 360, 1.0, -1)
            if self.random.random() < 0.7:
                blur = 0.3 + size * self.random.uniform(0.01, 0.1)
                share = cv2.GaussianBlur(share, (0, 0), blur)
            draw = self.random.random()
            if draw < 0.3:
                over = np.full((SIDE, SIDE), self.random.integers(256), np.uint8)
                if draw < 0.15:  # brighter or darker in the middle
                    light = int(self.random.integers(256))
                    cv2.circle(over, (x, y), int(0.3 * size) + 1, light, -1)
                    over = cv2.GaussianBlur(over, (0, 0), 0.3 + 0.1 * size)
            elif draw < 0.6:
                over = self._feature(size, x, y)
            elif draw < 0.8:
                over = self._clutter(size)
                if draw < 0.7:  # as it stands, not cut out as an oval
                    cv2.rectangle(
                        share, (x - axes[0], y - axes[1]), (x + axes[0], y + axes[1]), 1.0, -1
                    )
            else:
                over = self._backdrop()
            canvas = blend(canvas, over, share)
        return canvas

    def _clutter(self, size: float) -> np.ndarray:
        """Return a canvas of lettering, stripes, checks or spots, on a plain or real ground."""
        random = self.random
        canvas = self._backdrop().copy()
        if random.random() < 0.5:
            canvas[:] = random.integers(256)
        draw, light = random.random(), int(random.integers(256))
        pitch = max(3, int(size * random.uniform(0.15, 0.6)))
        if draw < 0.35:
            for y in range(pitch, SIDE + pitch, pitch):
                text = "".join(chr(c) for c in random.integers(33, 123, 24))
                thick = int(random.integers(1, 4))
                cv2.putText(canvas, text, (0, y), int(random.integers(8)), pitch / 24, light, thick)
        elif draw < 0.7:
            ys, xs = np.mgrid[:SIDE, :SIDE].astype(np.float32)
            turn = np.deg2rad(self._angle())
            along = xs * np.cos(turn) + ys * np.sin(turn)
            across = ys * np.cos(turn) - xs * np.sin(turn)
            marked = np.sin(along * 2 * np.pi / pitch) > random.uniform(-0.5, 0.5)
            if draw < 0.5:
                marked ^= np.sin(across * 2 * np.pi / pitch) > 0
            canvas[marked] = light
        else:
            for _ in range(int(random.integers(2, 30))):
                at = tuple(int(v) for v in random.integers(0, SIDE, 2))
                radius = int(pitch * random.uniform(0.15, 0.8)) + 1
                cv2.circle(canvas, at, radius, int(random.integers(256)), -1)
        return canvas

    def _feature(self, size: float, x: int, y: int) -> np.ndarray:
        """Return a canvas with an eye, a nose or a corner of a mouth, `size` wide, at (x, y)."""
        picture = self._one(self.crops)
        face = picture.faces[0]
        point = face[4:14].reshape(5, 2)[self.random.integers(5)]
        scale = size / (self.random.uniform(0.2, 0.4) * face[2])
        turn = np.deg2rad(self._angle())
        linear = scale * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        matrix = np.hstack([linear, (np.array([x, y]) - linear @ point)[:, None]])
        return cv2.warpAffine(
            np.ascontiguousarray(picture.grey), matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT
        )

    def _cut_out(self, picture, face, where, new, at, size) -> np.ndarray:
        """Return the share (SIDE, SIDE) of the pasted picture at each pixel."""
        nearest = np.argmin(np.hypot(*(new[:, :2] + new[:, 2:4] / 2 - at).T))
        w, h = new[nearest, 2:4]
        over = np.zeros((SIDE, SIDE), np.float32)
        wide = self.random.uniform(1.05, 2.2 if picture.whole else 1.4)
        high = self.random.uniform(1.05, 2.2 if picture.whole else 1.4)
        x, y = map(int, at)
        axes = int(w * wide / 2) + 1, int(h * high / 2) + 1
        if self.random.random() < 0.6:
            cv2.ellipse(over, (x, y), axes, 0, 0, 360, 1.0, -1)
            over = cv2.GaussianBlur(over, (0, 0), 0.3 + size * self.random.uniform(0.01, 0.08))
        else:
            cv2.rectangle(over, (x - axes[0], y - axes[1]), (x + axes[0], y + axes[1]), 1.0, -1)
        return over * where

    def _cover(self, canvas, face) -> None:
        """Hide up to two fifths of a face, from one side or in the middle."""
        x, y, w, h = face[:4]
        part = self.random.uniform(0.1, 0.4)
        if self.random.random() < 0.5:
            w0, h0 = w * part, h * self.random.uniform(0.6, 1.2)
        else:
            w0, h0 = w * self.random.uniform(0.6, 1.2), h * part
        x0 = int(x + self.random.uniform(-0.1, 1.1) * w - w0 / 2)
        y0 = int(y + self.random.uniform(0.1, 1.1) * h - h0 / 2)
        rows = slice(max(0, y0), max(0, int(y0 + h0)))
        columns = slice(max(0, x0), max(0, int(x0 + w0)))
        if self.random.random() < 0.5:
            canvas[rows, columns] = self.random.integers(256)
        else:
            canvas[rows, columns] = self._backdrop()[rows, columns]

    def _lit(self, canvas: np.ndarray) -> np.ndarray:
        """Return the scene under another light, through another camera."""
        random = self.random
        light = canvas.astype(np.float32) / 255
        if random.random() < 0.5:
            light = light ** np.exp(random.normal(0, 0.4))
        if random.random() < 0.2:  # light from one side
            direction = random.normal(size=2)
            direction /= np.hypot(*direction)
            ramp = np.linspace(-1, 1, SIDE, dtype=np.float32)
            slope = direction[0] * ramp[None, :] + direction[1] * ramp[:, None]
            light = light * (1 + random.uniform(0.3, 0.9) * slope).astype(np.float32)
        middle = light.mean()
        light = (light - middle) * random.uniform(0.5, 1.3) + middle + random.normal(0, 0.1)
        if random.random() < 0.2:  # night
            light = light * random.uniform(0.12, 0.5)
        if random.random() < 0.2:
            light = cv2.GaussianBlur(light, (0, 0), random.uniform(0.4, 1.8))
        if random.random() < 0.4:
            light = light + random.uniform(0.005, 0.05) * random.standard_normal(
                light.shape, dtype=np.float32
            )
        canvas = np.clip(light * 255, 0, 255).astype(np.uint8)
        if random.random() < 0.2:
            quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(15, 70))]
            canvas = cv2.imdecode(cv2.imencode(".jpg", canvas, quality)[1], cv2.IMREAD_GRAYSCALE)
        return canvas


def is_turned(face: np.ndarray) -> bool:
    """Say whether the nose lies well to one side of the middle between the eyes."""
    right, left, nose = face[4:10].reshape(3, 2)
    across = left - right
    return abs((nose - (right + left) / 2) @ across) > 0.18 * (across @ across)


def blend(under: np.ndarray, over: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Lay one grey picture over another, pixel by pixel to a share of 0 to 1."""
    return (under + share * (over.astype(np.float32) - under)).astype(np.uint8)


def is_shown(share: np.ndarray, face: np.ndarray) -> bool:
    """Say whether the pasted picture holds the middle and the eyes and mouth of a face."""
    points = np.vstack([face[4:].reshape(5, 2), face[:2] + face[2:4] / 2])
    x, y = np.round(points).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < SIDE) & (y < SIDE)
    return inside.sum() >= 4 and share[y[inside], x[inside]].min() > 0.6


def sorted_out(faces: np.ndarray, unsure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count faces that are tiny, or for the most part outside, as unsure."""
    low = np.clip(faces[:, :2], 0, SIDE)
    high = np.clip(faces[:, :2] + faces[:, 2:4], 0, SIDE)
    seen = np.prod(high - low, axis=1) / np.prod(faces[:, 2:4], axis=1)
    good = (seen > 0.6) & (np.sqrt(np.prod(faces[:, 2:4], axis=1)) >= SMALLEST)
    return faces[good], np.vstack([unsure, faces[~good, :4]])


def answers(faces: np.ndarray, unsure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what the cells must say: what they are (cells,), and where the face is (cells, 14).

    A cell is 1 (a face: its middle is near), 0 (none) or -1 (not asked). The face is given as the
    network gives it: distances to the sides of the box, and landmarks, from the cell, in strides.
    """
    kinds, places = [], []
    size = np.sqrt(np.prod(faces[:, 2:4], axis=1))
    middle = faces[:, :2] + faces[:, 2:4] / 2
    order = np.argsort(-size)  # of two faces the smaller keeps the cell
    for stride, (low, high), (least, most) in zip(STRIDES, SIZES, TOLERATED, strict=True):
        ticks = (np.arange(SIDE // stride) + 0.5) * stride
        cells = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
        kind = np.zeros(len(cells), np.int8)
        place = np.zeros((len(cells), 14), np.float32)
        for x, y, w, h in unsure:
            inside = np.abs(cells - (x + w / 2, y + h / 2)) < np.array([w, h]) / 2 + stride / 2
            kind[inside.all(axis=1)] = -1
        for at in order:
            radius = np.clip(0.3 * size[at], 0.51 * stride, 1.5 * stride)
            near = (np.abs(cells - middle[at]) < radius).all(axis=1)
            if low <= size[at] < high:
                face = faces[at]
                kind[near] = 1
                place[near, :2] = cells[near] - face[:2]
                place[near, 2:4] = face[:2] + face[2:4] - cells[near]
                points = face[4:14].reshape(5, 2)[None] - cells[near][:, None]
                place[near, 4:] = points.reshape(-1, 10)
            elif least <= size[at] < most:
                kind[near & (kind == 0)] = -1
        kinds.append(kind)
        places.append(place / stride)
    return np.concatenate(kinds), np.concatenate(places)
