"""Who is who from frame to frame, with the detector run on few frames.

Between detections faces are followed by sparse optical flow (forward and backward, the points that
do not return are dropped). A detection looks only around the faces it knows, and over the whole
picture about once a second for newcomers. A face that was lost takes up its identity again if it
comes back close by within `max_gap_s`.

Sources
-------
Kalal, Z., Mikolajczyk, K., & Matas, J. (2010). Forward-backward error: Automatic detection of
tracking failures. ICPR.
Bouguet, J.-Y. (2001). Pyramidal implementation of the Lucas-Kanade feature tracker.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from fer_nb.detectors import Detector
from fer_nb.errors import FerError
from fer_nb.faces import Face, shrunk
from fer_nb.opencv import cv2

FLOW_SIDE = 480  # the longer side of the picture in which points are followed
ROI_SIDE = 200  # the longer side of the region in which a known face is looked for
MAX_POINTS = 40


@dataclass
class Track:
    """One person in a video. `face` is where the face is now.

    `detected` tells whether the detector saw it in the last frame or it was followed; `hits` and
    `rounds` count in how many detections it was found, out of how many since it was first seen at
    `born_s`.
    """

    id: int
    face: Face
    detected: bool
    detected_s: float
    seen_s: float
    born_s: float = 0.0
    hits: int = 1
    rounds: int = 1
    visible: bool = True
    _points: np.ndarray = field(default_factory=lambda: np.empty((0, 2), np.float32), repr=False)
    _start_points: int = field(default=0, repr=False)


class Tracker:
    """Follows the faces of one video; give it the frames in order.

    Parameters
    ----------
    detector : Detector
        As from `load_detector`.
    detect_interval_s : float
        How often known faces are looked for; 0 detects in every frame.
    search_interval_s : float
        How often the whole picture is searched while at least one face is known.
    max_gap_s : float
        How long a lost face keeps its identity.
    follow_s : float
        How long a face is followed that the detector does not confirm.

    Examples
    --------
    >>> tracker = Tracker(load_detector("haar"))  # doctest: +SKIP
    >>> for frame in video:  # doctest: +SKIP
    ...     tracks = tracker.update(frame.image, frame.time_s)
    """

    def __init__(
        self,
        detector: Detector,
        detect_interval_s: float = 0.2,
        search_interval_s: float = 1.0,
        max_gap_s: float = 1.0,
        follow_s: float = 0.5,
    ):
        times = {"detect_interval_s": detect_interval_s, "search_interval_s": search_interval_s}
        times |= {"max_gap_s": max_gap_s, "follow_s": follow_s}
        for name, value in times.items():
            if not value >= 0:
                raise FerError(f"{name} must be 0 or more seconds, not {value}")
        self.detector = detector
        self.detect_interval_s = detect_interval_s
        self.search_interval_s = search_interval_s
        self.max_gap_s = max_gap_s
        self.follow_s = min(follow_s, max_gap_s)
        self._tracks: list[Track] = []
        self._ids = 0
        self._grey: np.ndarray | None = None
        self._searched_s = self._detected_s = -np.inf

    def update(self, image: np.ndarray, time_s: float) -> list[Track]:
        """Take in the next frame and return the tracks whose face is visible in it.

        Parameters
        ----------
        image : uint8 array (H, W, 3), RGB
        time_s : float
            Its time; must not run backwards.

        Returns
        -------
        list of Track
            Live objects, changed by the next call; ordered by `id`.
        """
        grey, scale = _flow_picture(image)
        before = sum(track.visible for track in self._tracks)
        if self._grey is not None and self._grey.shape != grey.shape:
            for track in self._tracks:  # the camera changed its format: no flow across that
                track.visible = False
        elif self._grey is not None:
            self._follow(grey, scale, image.shape, time_s)
        self._grey = grey
        slack = 1e-3  # time stamps are rounded
        alive = sum(track.visible for track in self._tracks)
        # Somebody is missed: look everywhere each time, as the face may come back any moment.
        missed = alive < len(self._tracks)
        search_due = time_s - self._searched_s >= self.search_interval_s - slack
        detect_due = time_s - self._detected_s >= self.detect_interval_s - slack
        just_lost = alive < before  # look for it at once, not at the next round
        if just_lost or (detect_due and (search_due or missed or not alive)):
            self._match(self.detector(image), grey, scale, time_s, newcomers=True)
            self._searched_s = self._detected_s = time_s
        elif detect_due:
            self._match(self._look_around(image), grey, scale, time_s, newcomers=False)
            self._detected_s = time_s
        # A face that is back after just `max_gap_s` is seen at the next detection.
        longest = self.max_gap_s + self.detect_interval_s + slack
        self._tracks = [t for t in self._tracks if time_s - t.seen_s <= longest]
        return [track for track in self._tracks if track.visible]

    def _follow(self, grey: np.ndarray, scale: float, shape: tuple, time_s: float) -> None:
        """Move every visible face with the points on it, or lose it."""
        followed = [track for track in self._tracks if track.visible and len(track._points)]
        for track in self._tracks:
            track.detected = False
            if track.visible and not len(track._points):
                track.visible = False
        if not followed:
            return
        old = np.concatenate([track._points for track in followed]).reshape(-1, 1, 2)
        window = {"winSize": (15, 15), "maxLevel": 3}
        new, there, _ = cv2.calcOpticalFlowPyrLK(self._grey, grey, old, None, **window)
        back, again, _ = cv2.calcOpticalFlowPyrLK(grey, self._grey, new, None, **window)
        error = np.linalg.norm(back - old, axis=2).ravel()
        good = (there.ravel() == 1) & (again.ravel() == 1) & (error < 1.0)
        start = 0
        for track in followed:
            part = slice(start, start + len(track._points))
            start = part.stop
            before, after = old[part, 0][good[part]], new[part, 0][good[part]]
            face = _moved(track.face, before / scale, after / scale)
            stale = time_s - track.detected_s > self.follow_s
            if stale or len(after) < max(4, 0.4 * track._start_points) or _is_out(face, shape):
                track.visible = False
            else:
                track.face, track._points, track.seen_s = face, after, time_s

    def _look_around(self, image: np.ndarray) -> list[Face]:
        """Detect near the known faces only; each region gives at most one face."""
        found = []
        height, width = image.shape[:2]
        for track in self._tracks:
            if not track.visible:
                continue
            face = track.face
            reach = 0.5 * max(face.width, face.height)
            x0, y0 = max(0, int(face.x - reach)), max(0, int(face.y - reach))
            x1 = min(width, int(face.x + face.width + reach))
            y1 = min(height, int(face.y + face.height + reach))
            region = image[y0:y1, x0:x1]
            if min(region.shape[:2]) < 2:
                continue
            region, shrink = shrunk(region, ROI_SIDE)
            near = [_placed(f, 1 / shrink, x0, y0) for f in self.detector(region)]
            if near:
                found.append(max(near, key=lambda f: _overlap(f, face)))
        return found

    def _match(
        self, faces: list[Face], grey: np.ndarray, scale: float, time_s: float, newcomers: bool
    ) -> None:
        """Give each detected face to the track it belongs to; the rest are newcomers."""
        for track in self._tracks:
            track.rounds += 1
        # Visible tracks first, by overlap; then lost ones, by closeness.
        free = list(range(len(faces)))
        visible = [track for track in self._tracks if track.visible]
        for track, index in _assign(visible, faces, free, _overlap_cost):
            blend = 0.5 if time_s > track.detected_s else 1.0
            self._confirm(track, _blended(track.face, faces[index], blend), time_s)
            free.remove(index)
        lost = [track for track in self._tracks if not track.visible]
        for track, index in _assign(lost, faces, free, _distance_cost):
            self._confirm(track, faces[index], time_s)
            free.remove(index)
        if newcomers:
            known = [track.face for track in self._tracks if track.visible]
            for index in free:
                if all(_overlap(faces[index], face) < 0.3 for face in known):
                    self._tracks.append(
                        Track(self._ids, faces[index], True, time_s, time_s, time_s)
                    )
                    self._ids += 1
        for track in self._tracks:
            if track.detected:
                track._points = _points_on(grey, track.face, scale)
                track._start_points = len(track._points)

    def _confirm(self, track: Track, face: Face, time_s: float) -> None:
        track.face = face
        track.detected = track.visible = True
        track.detected_s = track.seen_s = time_s
        track.hits += 1


def _flow_picture(image: np.ndarray) -> tuple[np.ndarray, float]:
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return shrunk(grey, FLOW_SIDE)  # after the colour is gone: a third of the work


def _points_on(grey: np.ndarray, face: Face, scale: float) -> np.ndarray:
    """Corners inside the ellipse of a face, where the background cannot hold them back."""
    mask = np.zeros_like(grey)
    centre = (face.x + face.width / 2) * scale, (face.y + face.height / 2) * scale
    axes = 0.4 * face.width * scale, 0.45 * face.height * scale
    cv2.ellipse(mask, [centre, (2 * axes[0], 2 * axes[1]), 0], 255, -1)
    points = cv2.goodFeaturesToTrack(grey, MAX_POINTS, 0.01, max(2, axes[0] / 8), mask=mask)
    return np.empty((0, 2), np.float32) if points is None else points[:, 0].astype(np.float32)


def _moved(face: Face, before: np.ndarray, after: np.ndarray) -> Face:
    """The face shifted and scaled as its points were."""
    if len(before) < 2:
        return face
    shift = np.median(after - before, axis=0)
    spread = [np.linalg.norm(p - np.median(p, axis=0), axis=1) for p in (before, after)]
    usable = spread[0] > 2
    zoom = float(np.median(spread[1][usable] / spread[0][usable])) if usable.any() else 1.0
    zoom = min(max(zoom, 0.9), 1.1)
    middle = np.median(before, axis=0)

    def carried(point: np.ndarray) -> np.ndarray:
        return (point - middle) * zoom + middle + shift

    corner = carried(np.array([face.x, face.y]))
    return replace(
        face,
        x=float(corner[0]),
        y=float(corner[1]),
        width=face.width * zoom,
        height=face.height * zoom,
        landmarks=None if face.landmarks is None else carried(face.landmarks),
    )


def _placed(face: Face, zoom: float, x0: float, y0: float) -> Face:
    """A face found in a region, in coordinates of the whole picture."""
    return Face(
        face.x * zoom + x0,
        face.y * zoom + y0,
        face.width * zoom,
        face.height * zoom,
        face.score,
        None if face.landmarks is None else face.landmarks * zoom + (x0, y0),
    )


def _blended(old: Face, new: Face, share: float) -> Face:
    """`new`, drawn towards `old` to calm the detector's jitter."""
    mixed = {
        name: (1 - share) * getattr(old, name) + share * getattr(new, name)
        for name in ("x", "y", "width", "height")
    }
    return replace(new, **mixed)


def _is_out(face: Face, shape: tuple) -> bool:
    """Whether the middle of the face has left the picture."""
    x, y = face.x + face.width / 2, face.y + face.height / 2
    return not (0 <= x < shape[1] and 0 <= y < shape[0])


def _overlap(a: Face, b: Face) -> float:
    """Intersection over union of two boxes."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (a.area + b.area - common)


def _overlap_cost(track: Track, face: Face) -> float:
    overlap = _overlap(track.face, face)
    return 1 - overlap if overlap > 0.2 else np.inf


def _distance_cost(track: Track, face: Face) -> float:
    """Distance in face widths; too far, or of another size, is another person."""
    old = track.face
    size = (old.width + face.width) / 2
    dx = old.x + old.width / 2 - face.x - face.width / 2
    dy = old.y + old.height / 2 - face.y - face.height / 2
    distance = float(np.hypot(dx, dy)) / size
    similar = 0.6 < face.width / old.width < 1.67
    return distance if similar and distance < 1.2 else np.inf


def _assign(tracks: list[Track], faces: list[Face], free: list[int], cost) -> list:
    """Pairs (track, index of face) of least total cost; impossible pairs stay apart."""
    from scipy.optimize import linear_sum_assignment

    if not tracks or not free:
        return []
    costs = np.array([[cost(track, faces[index]) for index in free] for track in tracks])
    far = 1e6
    rows, columns = linear_sum_assignment(np.where(np.isinf(costs), far, costs))
    return [
        (tracks[r], free[c]) for r, c in zip(rows, columns, strict=True) if np.isfinite(costs[r, c])
    ]
