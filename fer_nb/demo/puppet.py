"""A portrait that smiles, frowns, is surprised and blinks, at strengths one chooses."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.interpolate import PchipInterpolator

from fer_nb.demo.landmarks import LIP_LINE
from fer_nb.demo.people import Person
from fer_nb.demo.warp import Grid, smoothstep
from fer_nb.opencv import cv2

# Where landmarks go at full strength, in distances between the eyes: outwards, downwards.
ACTIONS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "smile": {
        "corner": (0.13, -0.16),
        "up1": (0.09, -0.09),
        "up2": (0.03, -0.03),
        "up3": (0.0, -0.005),
        "in_up1": (0.09, -0.075),
        "in_up2": (0.03, -0.02),
        "in_low1": (0.09, -0.01),
        "in_low2": (0.03, 0.075),
        "in_low3": (0.0, 0.1),
        "lip1": (0.09, -0.01),
        "lip2": (0.03, 0.06),
        "lip3": (0.0, 0.075),
        "fold1": (0.02, -0.02),
        "fold2": (0.07, -0.06),
        "fold3": (0.10, -0.09),
        "ala": (0.025, -0.01),
        "cheek": (0.02, -0.09),
        "low1": (0.0, -0.035),
        "low2": (0.0, -0.045),
        "low3": (0.0, -0.035),
        "chin": (0.0, 0.02),
    },
    "frown": {
        "brow4": (-0.05, 0.09),
        "brow3": (-0.035, 0.075),
        "brow2": (-0.01, 0.03),
        "lid1": (0.0, 0.04),
        "lid2": (0.0, 0.05),
        "lid3": (0.0, 0.045),
        "low1": (0.0, -0.02),
        "low2": (0.0, -0.03),
        "low3": (0.0, -0.02),
        "corner": (0.0, 0.15),
        "up1": (-0.01, 0.075),
        "up3": (0.0, -0.01),
        "in_up1": (-0.01, 0.065),
        "in_up2": (0.0, -0.015),
        "in_up3": (0.0, -0.03),
        "in_low1": (-0.01, 0.065),
        "in_low2": (0.0, -0.015),
        "in_low3": (0.0, -0.03),
        "lip1": (0.0, 0.07),
        "lip2": (0.0, -0.01),
        "lip3": (0.0, -0.03),
        "fold3": (0.02, 0.05),
        "chin": (0.0, -0.05),
    },
    "surprise": {
        "brow1": (0.0, -0.08),
        "brow2": (0.0, -0.13),
        "brow3": (0.0, -0.13),
        "brow4": (0.0, -0.11),
        "lid1": (0.0, -0.03),
        "lid2": (0.0, -0.045),
        "lid3": (0.0, -0.03),
        "low2": (0.0, 0.02),
        "corner": (-0.07, 0.08),
        "up1": (-0.05, 0.01),
        "up2": (-0.01, -0.03),
        "up3": (0.0, -0.03),
        "in_up1": (-0.05, -0.005),
        "in_up2": (-0.01, -0.035),
        "in_up3": (0.0, -0.04),
        "in_low1": (-0.045, 0.17),
        "in_low2": (-0.01, 0.235),
        "in_low3": (0.0, 0.25),
        "lip1": (-0.045, 0.18),
        "lip2": (-0.01, 0.235),
        "lip3": (0.0, 0.25),
        "fold3": (-0.02, 0.05),
        "cheek": (0.0, 0.03),
        "chin": (0.0, 0.24),
        "jaw1": (0.0, 0.03),
        "jaw2": (-0.01, 0.10),
        "jaw3": (-0.01, 0.17),
        "jaw4": (0.0, 0.21),
        "jaw5": (0.0, 0.23),
    },
}


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
        unit = person.unit
        self._moves = {a: self._displacement(a) for a in ACTIONS}
        self._lips = [self._names.index(n) for n in LIP_LINE]
        self._lower_lips = [self._names.index(n.replace("in_up", "in_low")) for n in LIP_LINE]
        self._smile = None
        if person.smile_points is not None:
            self._smile = np.array([person.smile_points[n] for n in self._names])
            self._moves["smile"] = self._smile - self._rest
        jaw = person.points["jaw5"][1] + 0.75 * unit
        left, top = person.still.min(0) - 0.15 * unit
        right = person.still[:, 0].max() + 0.15 * unit
        self._grid = Grid((left, top - 0.1 * unit, right, jaw), step=unit / 14)
        self._furrows = _furrows(person)
        self._lids, self._lid_height = _closed_eyes(person)

    def _displacement(self, action: str) -> np.ndarray:
        moves = ACTIONS[action]
        rows = []
        for name in self._names:
            base, _, side = name.partition(".")
            out, down = moves.get(base, (0.0, 0.0))
            rows.append((-out if side == "L" else out, down))
        return np.array(rows) * self.person.unit

    def landmarks(self, expression: Mapping[str, float]) -> np.ndarray:
        """Where the landmarks are, (n, 2), for strengths of smile, frown and surprise."""
        moved = self._rest.copy()
        for action, move in self._moves.items():
            moved += expression.get(action, 0.0) * move
        return moved

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
        out = _look_up(self.person.texture, coords)
        area = self._face_area(coords)
        if area is None:  # the head is out of the picture
            return out
        coords = np.ascontiguousarray(coords[area])
        moved = self.landmarks(expression)
        source = self._source(coords, moved, self._rest)
        face = _look_up(self.person.texture, source).astype(np.float32)
        smile = expression.get("smile", 0.0)
        inside = None
        if self._smile is not None and smile > 0.02:
            photo = _look_up(
                self.person.smile_texture, self._source(coords, moved, self._smile)
            ).astype(np.float32)
            face[..., :3] += float(smoothstep(smile / 0.8)) * (photo - face[..., :3])
            inside = photo
        self._blink(face, source, expression.get("blink", 0.0))
        self._shade(face, source, expression)
        self._open_mouth(face, coords, moved, expression, inside)
        out[area] = np.clip(face, 0, 255)
        return out

    def _face_area(self, coords: np.ndarray) -> tuple[slice, slice] | None:
        """The pixels that show what an expression can move."""
        left, top = self._grid.origin
        right, bottom = self._grid.points[-1]
        x, y = coords[::4, ::4, 0], coords[::4, ::4, 1]
        found = _box((x > left) & (x < right) & (y > top) & (y < bottom))
        if found is None:
            return None
        return tuple(slice(max(0, 4 * s.start - 4), 4 * s.stop + 4) for s in found)

    def _source(self, coords: np.ndarray, moved: np.ndarray, photo: np.ndarray) -> np.ndarray:
        """Where in a picture with landmarks `photo` the face with landmarks `moved` is found."""
        still = self.person.still
        field = self._grid.field(np.vstack([moved, still]), np.vstack([photo, still]))
        return coords + self._grid.sample(field, coords)

    def _blink(self, face: np.ndarray, source: np.ndarray, amount: float) -> None:
        if amount <= 0:
            return
        height = cv2.remap(self._lid_height, source, None, cv2.INTER_LINEAR)
        area = _box(height < 1.5)
        if area is None:
            return
        height = height[area]
        lid = _look_up(self._lids, np.ascontiguousarray(source[area]))
        edge = 1.15 * amount
        covered = smoothstep((edge - height) / 0.2 + 0.5) * smoothstep((1.45 - height) / 0.3)
        lash = 0.55 * np.exp(-(((height - edge) / 0.13) ** 2)) * min(1.0, 4 * amount)
        eye = face[area][..., :3]
        eye += covered[..., None] * (lid - eye)
        eye *= 1 - lash[..., None] * np.float32((0.8, 0.95, 1.0))

    def _shade(self, face: np.ndarray, source: np.ndarray, expression: Mapping[str, float]) -> None:
        strength = np.array([expression.get(a, 0.0) for a in ACTIONS], np.float32)
        if strength.max() < 0.02:
            return
        depth = (cv2.remap(self._furrows, source, None, cv2.INTER_LINEAR) * strength).sum(axis=2)
        # Skin in a furrow is not only darker but redder.
        face[..., :3] *= np.exp(-depth[..., None] * np.float32((0.8, 1.05, 1.1)))

    def _open_mouth(
        self,
        face: np.ndarray,
        coords: np.ndarray,
        moved: np.ndarray,
        expression: Mapping[str, float],
        photo: np.ndarray | None,
    ) -> None:
        upper = moved[self._lips]
        lower = moved[self._lower_lips]
        unit = self.person.unit
        if (lower - upper)[:, 1].max() < 0.012 * unit:
            return
        x, y = coords[..., 0], coords[..., 1]
        left, right = upper[0, 0], upper[-1, 0]
        box = (x > left) & (x < right) & (y > upper[:, 1].min() - 3) & (y < lower[:, 1].max() + 3)
        area = _box(box)
        if area is None:
            return
        x, y = x[area], y[area]
        above = y - _curve(upper, x)
        below = _curve(lower, x) - y
        edge = 0.014 * unit
        inside = smoothstep(0.5 + above / (2 * edge)) * smoothstep(0.5 + below / (2 * edge))
        inside *= (x > left) & (x < right)
        smile, surprise = expression.get("smile", 0.0), expression.get("surprise", 0.0)
        height, width = self._mouth.shape[:2]
        u = (x - left) / (right - left) * (width - 1)
        hidden = 0.09 * unit * (1 - smoothstep(smile / 0.5))  # teeth show when one smiles
        v = (above + hidden) / (0.5 * unit) * (height - 1)
        at = np.dstack([u, v]).astype(np.float32)
        hole = _look_up(self._mouth, at).astype(np.float32)
        # The lips throw a shadow into the mouth, and so do its corners.
        gap = np.minimum(above, below) / (0.04 * unit)
        side = np.minimum(x - left, right - x) / (0.15 * (right - left))
        hole *= ((0.75 + 0.25 * smoothstep(gap)) * (0.45 + 0.55 * smoothstep(side)))[..., None]
        if photo is not None:  # a smile has its own teeth
            hole += smile / (smile + surprise) * (photo[area] - hole)
        skin = face[area][..., :3]
        skin += inside[..., None] * (hole - skin)


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
    points, unit = smiling.smile_points, smiling.unit
    upper = np.array([points[n] for n in LIP_LINE])
    width, height = 128, 64
    x = np.linspace(upper[0, 0], upper[-1, 0], width)
    y = np.arange(height) / (height - 1) * 0.5 * unit
    at = np.dstack(np.broadcast_arrays(x[None], _curve(upper, x)[None] + y[:, None]))
    photo = cv2.remap(smiling.smile_texture, at.astype(np.float32), None, cv2.INTER_CUBIC)
    photo = photo * (_skin_color(person) / _skin_color(smiling)) ** 0.7
    depth = np.arange(height)[:, None, None] / (height - 1)
    dark = np.array([52.0, 20, 20]) + depth * np.array([45.0, 12, 14])
    edge = 0.115 - 0.05 * np.abs(np.linspace(-1, 1, width))[None, :, None] ** 2
    share = smoothstep((edge / 0.5 - depth) / 0.06)
    return np.clip(photo * share + dark * (1 - share), 0, 255).astype(np.uint8)


def _skin_color(person: Person) -> np.ndarray:
    return person.texture[..., :3][person.skin > 0.9].mean(axis=0)


def _closed_eyes(person: Person) -> tuple[np.ndarray, np.ndarray]:
    """The face with skin over the eyes, and how far down the open eye each pixel lies.

    The height is 0 on the upper lid, 1 on the lower and 9 away from the eyes.
    """
    height, width = person.texture.shape[:2]
    unit, points = person.unit, person.points
    holes = np.zeros((height, width), np.float32)
    level = np.full((height, width), 9, np.float32)
    y = np.arange(height, dtype=np.float32)[:, None]
    for side in "LR":
        ends = [points[f"eye_out.{side}"], points[f"eye_in.{side}"]]
        upper, lower = (
            _by_x([*ends, *(points[f"{lid}{i}.{side}"] for i in (1, 2, 3))])
            for lid in ("lid", "low")
        )
        left, right = upper[0, 0], upper[-1, 0]
        x = np.arange(int(left), int(right) + 2, dtype=np.float32)
        top = _curve(upper, x.clip(left, right)) - 0.015 * unit
        opening = np.maximum(_curve(lower, x.clip(left, right)) - top, 0.06 * unit)
        column = slice(int(left), int(right) + 2)
        level[:, column] = np.where(np.abs(y - top - opening / 2) < opening, (y - top) / opening, 9)
        raised, sunk = np.array([0, -0.03 * unit]), np.array([0, 0.02 * unit])
        outline = np.vstack([upper + raised, lower[::-1] + sunk])
        cv2.fillPoly(holes, [np.rint(outline * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    keep = cv2.GaussianBlur(1 - holes, (0, 0), 0.01 * unit) * (1 - holes)
    photo = person.texture[..., :3].astype(np.float32)
    reach = 0.07 * unit
    skin = cv2.GaussianBlur(photo * keep[..., None], (0, 0), reach)
    skin /= np.maximum(cv2.GaussianBlur(keep, (0, 0), reach), 1e-3)[..., None]
    share = cv2.GaussianBlur(holes, (0, 0), 0.012 * unit)[..., None]
    lids = photo + share * (skin - photo)
    return np.clip(lids, 0, 255).astype(np.uint8), level


def _by_x(points) -> np.ndarray:
    return np.array(sorted(points, key=lambda point: point[0]))


def _furrows(person: Person) -> np.ndarray:
    """Depth of shadow that each action draws into the skin, float32 (h, w, 3), as `ACTIONS`."""
    height, width = person.texture.shape[:2]
    unit, points = person.unit, person.points
    layers = {a: np.zeros((height, width), np.float32) for a in ACTIONS}

    def stroke(action, path, thick, depth, blur):
        line = np.zeros((height, width), np.float32)
        path = np.rint(np.array(path) * 16).astype(np.int32)
        cv2.polylines(line, [path], False, 1.0, max(1, round(thick * unit)), cv2.LINE_AA, 4)
        line = cv2.GaussianBlur(line, (0, 0), blur * unit)
        layers[action] += depth * line / max(line.max(), 1e-6)

    middle = (points["brow4.L"] + points["brow4.R"]) / 2
    for side, sign in (("L", -1), ("R", 1)):
        s = np.array([sign * unit, unit])
        inner = middle + np.array([0.085, -0.02]) * s
        bend = [inner + np.array(d) * s for d in ((0.0, 0.0), (-0.012, 0.06), (-0.005, 0.13))]
        stroke("frown", bend, 0.012, 0.3, 0.03)
        brow = [points[f"brow{i}.{side}"] + np.array([0, 0.07]) * s for i in (4, 3)]
        stroke("frown", brow, 0.06, 0.22, 0.04)
        corner = points[f"corner.{side}"]
        drop = [corner + np.array(d) * s for d in ((0.03, 0.03), (0.055, 0.08))]
        stroke("frown", drop, 0.015, 0.3, 0.035)
        fold = [points[f"fold{i}.{side}"] for i in (1, 2, 3)]
        stroke("frown", fold, 0.02, 0.2, 0.03)
        if person.smile_points is None:
            stroke("smile", [*fold, fold[-1] + np.array([0.03, 0.1]) * s], 0.02, 0.35, 0.03)
            crow = points[f"eye_out.{side}"]
            for rise in (-0.05, 0.03, 0.1):
                ray = [crow + np.array(d) * s for d in ((0.08, rise), (0.2, 1.5 * rise))]
                stroke("smile", ray, 0.012, 0.18, 0.012)
        for rise, depth in ((0.10, 0.22), (0.19, 0.18)):
            brow = [points[f"brow{i}.{side}"] - np.array([0, rise * unit]) for i in (2, 3, 4)]
            stroke("surprise", [*brow, middle - (0, (rise - 0.03) * unit)], 0.015, depth, 0.018)
    on_skin = person.skin**2
    return np.dstack([layers[a] * on_skin for a in ACTIONS])
