"""A portrait that smiles, frowns, is surprised and blinks, at strengths one chooses."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.interpolate import PchipInterpolator

from fer_nb.demo.drawing.people import LIP_LINE, PORTRAITS, Person, blur_within
from fer_nb.demo.drawing.warp import Grid, smoothstep
from fer_nb.opencv import cv2

ACTIONS = ("smile", "frown", "surprise")


class Puppet:
    """Draws a `Person` with an expression.

    Parameters
    ----------
    person : Person
        Whose face it is.
    mouth : uint8 array (h, w, 3)
        What is seen between open lips: teeth above, darkness below. One width is the mouth's
        width, one height is half the distance between the eyes.
    """

    def __init__(self, person: Person, mouth: np.ndarray):
        self.person = person
        self._mouth = mouth
        self._names = list(person.points)
        self._rest = np.array([person.points[n] for n in self._names])
        self._moves = {a: self._displacement(i) for i, a in enumerate(ACTIONS)}
        self._lips = [self._names.index(n) for n in LIP_LINE]
        self._lower_lips = [self._names.index(n.replace("in_up", "in_low")) for n in LIP_LINE]
        self._smile = None
        if person.smile_points is not None:
            self._smile = np.array([person.smile_points[n] for n in self._names])
            self._moves["smile"] = self._smile - self._rest
        unit = person.unit
        left, top = person.still.min(0) - 0.25 * unit
        right, jaw = person.still[:, 0].max() + 0.25 * unit, person.points["jaw5"][1] + 0.75 * unit
        self._grid = Grid((left, top, right, jaw), step=unit / 14)
        self._furrows = _furrows(person)
        self._lids, self._lid_height = _closed_eyes(person)

    def _displacement(self, action: int) -> np.ndarray:
        """Where landmarks go at full strength: outwards and downwards, in eye distances."""
        rows = []
        for name in self._names:
            base, _, side = name.partition(".")
            out, down = PORTRAITS["actions"].get(base, [(0, 0)] * 3)[action]
            rows.append((-out if side == "L" else out, down))
        return np.array(rows) * self.person.unit

    def landmarks(self, expression: Mapping[str, float]) -> np.ndarray:
        """Where the landmarks are, (n, 2), for strengths of smile, frown and surprise."""
        return self._rest + sum(expression.get(a, 0.0) * move for a, move in self._moves.items())

    def draw(self, coords: np.ndarray, expression: Mapping[str, float]) -> np.ndarray:
        """Draw the person where each output pixel shows the canvas point `coords`.

        Parameters
        ----------
        coords : float32 array (h, w, 2)
            Position on the canvas for each pixel; this is how the head moves in the picture.
        expression : mapping
            Strengths, 0 to about 1, of ``smile``, ``frown``, ``surprise`` and ``blink``.

        Returns
        -------
        uint8 array (h, w, 4)
            RGB and opacity.
        """
        if self.person.mirror:  # about the nose, so that it stays in its place
            coords = coords * np.float32((-1, 1))
            coords[..., 0] += np.float32(2 * self.person.points["nose"][0])
        out = _look_up(self.person.texture, coords)
        (left, top), (right, bottom) = self._grid.origin, self._grid.points[-1]
        x, y = coords[..., 0], coords[..., 1]
        area = _box((x > left) & (x < right) & (y > top) & (y < bottom))
        if area is None:  # the head is out of the picture
            return out
        coords = np.ascontiguousarray(coords[area])
        moved = self.landmarks(expression)
        source = self._source(coords, moved, self._rest)
        face = _look_up(self.person.texture, source).astype(np.float32)
        smile, photo = expression.get("smile", 0.0), None
        if self._smile is not None and smile > 0.02:
            photo = _look_up(self.person.smile_texture, self._source(coords, moved, self._smile))
            face[..., :3] += float(smoothstep(smile / 0.8)) * (photo - face[..., :3])
        self._blink(face, source, expression.get("blink", 0.0))
        strength = np.array([expression.get(a, 0.0) for a in ACTIONS], np.float32)
        depth = (cv2.remap(self._furrows, source, None, cv2.INTER_LINEAR) * strength).sum(axis=2)
        # Skin in a furrow is not only darker but redder.
        face[..., :3] *= np.exp(-depth[..., None] * np.float32((0.8, 1.05, 1.1)))
        self._open_mouth(face, coords, moved, expression, photo)
        out[area] = np.clip(face, 0, 255)
        return out

    def _source(self, coords: np.ndarray, moved: np.ndarray, photo: np.ndarray) -> np.ndarray:
        """Where in a picture with landmarks `photo` the face with landmarks `moved` is found."""
        still = self.person.still
        field = self._grid.field(np.vstack([moved, still]), np.vstack([photo, still]))
        return coords + self._grid.sample(field, coords)

    def _blink(self, face: np.ndarray, source: np.ndarray, amount: float) -> None:
        height = cv2.remap(self._lid_height, source, None, cv2.INTER_LINEAR)
        area = _box(height < 1.5)
        if amount <= 0 or area is None:
            return
        height = height[area]
        lid = _look_up(self._lids, np.ascontiguousarray(source[area]))
        edge = 1.15 * amount
        covered = smoothstep((edge - height) / 0.2 + 0.5) * smoothstep((1.45 - height) / 0.3)
        lash = 0.55 * np.exp(-(((height - edge) / 0.13) ** 2)) * min(1.0, 4 * amount)
        eye = face[area][..., :3]
        eye += covered[..., None] * (lid - eye)
        eye *= 1 - lash[..., None] * np.float32((0.8, 0.95, 1.0))

    def _open_mouth(self, face, coords, moved, expression, photo) -> None:
        upper, lower = moved[self._lips], moved[self._lower_lips]
        unit = self.person.unit
        x, y = coords[..., 0], coords[..., 1]
        left, right = upper[0, 0], upper[-1, 0]
        inside = (x > left) & (x < right)
        area = _box(inside & (y > upper[:, 1].min() - 3) & (y < lower[:, 1].max() + 3))
        if area is None or (lower - upper)[:, 1].max() < 0.012 * unit:
            return
        x, y = x[area], y[area]
        above, below = y - _curve(upper, x), _curve(lower, x) - y
        edge = 0.028 * unit
        share = smoothstep(0.5 + above / edge) * smoothstep(0.5 + below / edge) * inside[area]
        smile, surprise = expression.get("smile", 0.0), expression.get("surprise", 0.0)
        height, width = self._mouth.shape[:2]
        u = (x - left) / (right - left) * (width - 1)
        hidden = 0.09 * unit * (1 - smoothstep(smile / 0.5))  # teeth show when one smiles
        v = (above + hidden) / (0.5 * unit) * (height - 1)
        hole = _look_up(self._mouth, np.dstack([u, v]).astype(np.float32)).astype(np.float32)
        # The lips throw a shadow into the mouth, and so do its corners.
        gap = 0.75 + 0.25 * smoothstep(np.minimum(above, below) / (0.04 * unit))
        side = smoothstep(np.minimum(x - left, right - x) / (0.15 * (right - left)))
        hole *= (gap * (0.45 + 0.55 * side))[..., None]
        if photo is not None:  # a smile has its own teeth
            hole += smile / (smile + surprise) * (photo[area] - hole)
        skin = face[area][..., :3]
        skin += share[..., None] * (hole - skin)


def _box(where: np.ndarray) -> tuple[slice, slice] | None:
    """The smallest box around what is true; None where nothing is."""
    rows, columns = np.flatnonzero(where.any(1)), np.flatnonzero(where.any(0))
    if len(rows) == 0:
        return None
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _curve(line: np.ndarray, x: np.ndarray) -> np.ndarray:
    table = np.linspace(line[0, 0], line[-1, 0], 64)
    return np.interp(x, table, PchipInterpolator(line[:, 0], line[:, 1])(table))


def _look_up(texture: np.ndarray, coords: np.ndarray) -> np.ndarray:
    return cv2.remap(texture, coords, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def mouth_texture(smiling: Person, person: Person) -> np.ndarray:
    """What is seen between the lips: teeth of a smiling photograph above the dark of the mouth.

    Parameters
    ----------
    smiling : Person
        Whose teeth are taken.
    person : Person
        Who gets them: they are shaded as her skin is.
    """
    upper = np.array([smiling.smile_points[n] for n in LIP_LINE])
    width, height = 128, 64
    x = np.linspace(upper[0, 0], upper[-1, 0], width)
    depth = np.linspace(0, 1, height)[:, None]
    at = np.dstack(np.broadcast_arrays(x, _curve(upper, x) + depth * 0.5 * smiling.unit))
    photo = cv2.remap(smiling.smile_texture, at.astype(np.float32), None, cv2.INTER_CUBIC)
    tone, theirs = (p.texture[..., :3][p.skin > 0.9].mean(axis=0) for p in (person, smiling))
    dark = np.array([52.0, 20, 20]) + depth[..., None] * np.array([45.0, 12, 14])
    edge = 0.23 - 0.1 * np.linspace(-1, 1, width) ** 2
    share = smoothstep((edge - depth) / 0.06)[..., None]
    mouth = photo * (tone / theirs) ** 0.7 * share + dark * (1 - share)
    return np.clip(mouth, 0, 255).astype(np.uint8)


def _closed_eyes(person: Person) -> tuple[np.ndarray, np.ndarray]:
    """The face with skin over the eyes, and how far down the open eye each pixel lies.

    The height is 0 on the upper lid, 1 on the lower and 9 away from the eyes.
    """
    unit, points = person.unit, person.points
    holes = np.zeros(person.skin.shape, np.float32)
    level = np.full(person.skin.shape, 9, np.float32)
    y = np.arange(len(level), dtype=np.float32)[:, None]
    for side in "LR":
        upper, lower = (
            np.array(sorted(points[f"{n}.{side}"].tolist() for n in ("eye_out", "eye_in", *lid)))
            for lid in (("lid1", "lid2", "lid3"), ("low1", "low2", "low3"))
        )
        left, right = upper[0, 0], upper[-1, 0]
        column = slice(int(left), int(right) + 2)
        x = np.arange(column.start, column.stop).clip(left, right)
        top = _curve(upper, x) - 0.015 * unit
        opening = np.maximum(_curve(lower, x) - top, 0.06 * unit)
        level[:, column] = np.where(np.abs(y - top - opening / 2) < opening, (y - top) / opening, 9)
        outline = np.vstack([upper - (0, 0.03 * unit), lower[::-1] + (0, 0.02 * unit)])
        cv2.fillPoly(holes, [np.rint(outline * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    keep = cv2.GaussianBlur(1 - holes, (0, 0), 0.01 * unit) * (1 - holes)
    photo = person.texture[..., :3].astype(np.float32)
    share = cv2.GaussianBlur(holes, (0, 0), 0.012 * unit)[..., None]
    lids = photo + share * (blur_within(photo, keep, 0.07 * unit) - photo)
    return np.clip(lids, 0, 255).astype(np.uint8), level


def _furrows(person: Person) -> np.ndarray:
    """Depth of shadow that each action draws into the skin, float32 (h, w, 3), as `ACTIONS`."""
    unit, points = person.unit, person.points
    layers = {a: np.zeros(person.skin.shape, np.float32) for a in ACTIONS}

    def stroke(action, path, thick, depth, blur):
        line = np.zeros(person.skin.shape, np.float32)
        path = np.rint(np.array(path) * 16).astype(np.int32)
        cv2.polylines(line, [path], False, 1.0, max(1, round(thick * unit)), cv2.LINE_AA, 4)
        line = cv2.GaussianBlur(line, (0, 0), blur * unit)
        layers[action] += depth * line / max(line.max(), 1e-6)

    middle = (points["brow4.L"] + points["brow4.R"]) / 2
    for side, sign in (("L", -1), ("R", 1)):
        s = np.array([sign * unit, unit])
        brow = {i: points[f"brow{i}.{side}"] for i in (2, 3, 4)}
        corner, crow = points[f"corner.{side}"], points[f"eye_out.{side}"]
        fold = [points[f"fold{i}.{side}"] for i in (1, 2, 3)]
        bend = middle + s * [(0.085, -0.02), (0.073, 0.04), (0.08, 0.11)]
        stroke("frown", bend, 0.012, 0.3, 0.03)
        stroke("frown", [brow[i] + (0, 0.07 * unit) for i in (4, 3)], 0.06, 0.22, 0.04)
        stroke("frown", corner + s * [(0.03, 0.03), (0.055, 0.08)], 0.015, 0.3, 0.035)
        stroke("frown", fold, 0.02, 0.2, 0.03)
        if person.smile_points is None:
            stroke("smile", [*fold, fold[-1] + s * (0.03, 0.1)], 0.02, 0.35, 0.03)
            for rise in (-0.05, 0.03, 0.1):
                stroke("smile", crow + s * [(0.08, rise), (0.2, 1.5 * rise)], 0.012, 0.18, 0.012)
        for rise, depth in ((0.10, 0.22), (0.19, 0.18)):
            up = [brow[i] - (0, rise * unit) for i in (2, 3, 4)]
            stroke("surprise", [*up, middle - (0, (rise - 0.03) * unit)], 0.015, depth, 0.018)
    return np.dstack([layers[a] * person.skin**2 for a in ACTIONS])
