"""Who is who from frame to frame, with the detector run on few frames.

Between detections faces are followed by sparse optical flow (forward and backward, the points that
do not return are dropped). A detection looks only around the faces it knows, and over the whole
picture about once a second for newcomers; both more seldom while nothing moves. A face that was
lost takes up its identity again if it comes back close by within `max_gap_s`, or anywhere within
`memory_s` if it looks the same. A cut ends all tracks; a face that suddenly looks different is
another person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from fer_nb.errors import FerError
from fer_nb.faces.appearance import ALIKE, OTHER, appearance
from fer_nb.faces.closer import look_at, upright
from fer_nb.faces.cuts import SAME, Cuts, changes, covered
from fer_nb.faces.detectors import Detector, nearby
from fer_nb.faces.face import Face, Picture, luma
from fer_nb.faces.flow import flow_picture, follow, moved, points_on
from fer_nb.media import Frame

STILL = 3  # times longer that nothing is searched where nothing changes


@dataclass(eq=False)
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
    _looks: np.ndarray | None = field(default=None, repr=False)
    _found: Face | None = field(default=None, repr=False)
    _steady: bool = field(default=False, repr=False)

    def confirmed(self, min_detections: int) -> bool:
        """Whether this is a face, and no false alarm of the detector.

        What the detector found fewer times than `min_detections` within half a second, although it
        looked at least as often, was a false alarm.
        """
        found = not self.hits < min_detections <= self.rounds
        return found or self.detected_s - self.born_s >= 0.5

    @property
    def steady(self) -> bool:
        """Whether the last detection lay where the face was followed to, and it is still there."""
        return self._steady and self.confirmed(3) and self.is_near(self._found)

    def is_near(self, face: Face | None) -> bool:
        """Whether a face is where this one is, and as large, to a twentieth of its width."""
        if face is None:
            return False
        least = 0.05 * self.face.width
        x = face.x + face.width / 2 - self.face.x - self.face.width / 2
        y = face.y + face.height / 2 - self.face.y - self.face.height / 2
        return abs(x) < least and abs(y) < least and abs(face.width - self.face.width) < least


class Tracker:
    """Follows the faces of one video; give it the frames in order.

    Parameters
    ----------
    detector : Detector
        As from `load_detector`.
    detect_interval_s : float
        How often known faces are looked for; 0 detects in every frame. While all of them keep
        still, half as often.
    search_interval_s : float
        How often the whole picture is searched while at least one face is known. Where nothing
        but known faces has changed since the last search, a third as often.
    max_gap_s : float
        How long a lost face keeps its identity if it comes back where it was.
    memory_s : float
        How long it keeps its identity if it looks the same.
    follow_s : float
        How long a face is followed that the detector does not confirm.
    min_detections : int
        How often a face must be found to count as one in the end: see `Track.confirmed`.
    report_after : int
        How often a face must be found before `update` tells of it.

    Examples
    --------
    >>> tracker = Tracker(load_detector())  # doctest: +SKIP
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
        min_detections: int = 3,
        report_after: int = 1,
        memory_s: float = 60.0,
    ):
        times = {"detect_interval_s": detect_interval_s, "search_interval_s": search_interval_s}
        times |= {"max_gap_s": max_gap_s, "follow_s": follow_s, "memory_s": memory_s}
        for name, value in times.items():
            if not value >= 0:
                raise FerError(f"{name} must be 0 or more seconds, not {value}")
        self.detector = detector
        self._near = nearby(detector)
        self.detect_interval_s = detect_interval_s
        self.search_interval_s = search_interval_s
        self.max_gap_s = max_gap_s
        self.follow_s = min(follow_s, max_gap_s)
        self.min_detections = min_detections
        self.report_after = report_after
        self._tracks: list[Track] = []
        self._gone: list[Track] = []  # who may be known again by their looks
        self._all: list[Track] = []  # ever seen, by their number
        self.memory_s = memory_s
        self._cuts = Cuts()
        self._searched: np.ndarray | None = None  # the thumbnail of the last search everywhere
        self._grey: np.ndarray | None = None
        self._searched_s = self._detected_s = -np.inf

    def confirmed(self, number: int) -> bool:
        """Whether the track of this number is a face and no false alarm, by what is known now."""
        return self._all[number].confirmed(self.min_detections)

    def update(self, image: Picture, time_s: float) -> list[Track]:
        """Take in the next frame and return the tracks whose face is visible in it.

        Parameters
        ----------
        image : uint8 array (H, W, 3), RGB, or Frame
            Of a `Frame` the luma is used, and no more of it converted than the detector needs.
        time_s : float
            Its time; must not run backwards.

        Returns
        -------
        list of Track
            Live objects, changed by the next call; ordered by `id`.
        """
        grey, scale = flow_picture(image)
        before = sum(track.visible for track in self._tracks)
        if self._cuts(grey):
            self._end_all()
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
        search_due = self._search_is_due(time_s + slack, image.shape)
        steady = bool(self._tracks) and all(track.steady for track in self._tracks)
        interval_s = self.detect_interval_s * (2 if steady else 1)
        detect_due = time_s - self._detected_s >= interval_s - slack
        just_lost = alive < before  # look for it at once, not at the next round
        if just_lost or (detect_due and (search_due or missed or not alive)):
            picture = self._for_detector(image)
            whole = picture.image if isinstance(picture, Frame) else picture
            faces = [upright(picture, face, self._near) for face in self.detector(whole)]
            self._match(faces, image, grey, scale, time_s, newcomers=True)
            self._searched_s = self._detected_s = time_s
            self._searched = self._cuts.thumbnail
        elif detect_due:
            faces = self._look_around(self._for_detector(image))
            self._match(faces, image, grey, scale, time_s, newcomers=False)
            self._detected_s = time_s
        # A face that is back after just `max_gap_s` is seen at the next detection.
        longest = self.max_gap_s + self.detect_interval_s + slack
        self._gone += [t for t in self._tracks if time_s - t.seen_s > longest]
        self._gone = [t for t in self._gone if time_s - t.seen_s <= self.memory_s]
        self._tracks = [t for t in self._tracks if time_s - t.seen_s <= longest]
        return [t for t in self._tracks if t.visible and t.hits >= self.report_after]

    def _for_detector(self, image: Picture) -> Picture:
        return luma(image) if getattr(self.detector, "grey", False) else image

    def _search_is_due(self, time_s: float, shape: tuple) -> bool:
        """Whether somebody new may have come: where nothing has changed there is nobody new."""
        since_s = time_s - self._searched_s
        if since_s < self.search_interval_s:
            return False
        if self._searched is None or since_s >= STILL * self.search_interval_s:
            return True
        change = changes(self._searched, self._cuts.thumbnail)
        for track in self._tracks:
            face = track.face
            change[covered((face.x, face.y, face.width, face.height), shape)] = 0
        return change.max() > SAME

    def _end_all(self) -> None:
        for track in self._tracks:
            track.visible = track.detected = False
            track._points = track._points[:0]
        self._gone += self._tracks
        self._tracks = []

    def _follow(self, grey: np.ndarray, scale: float, shape: tuple, time_s: float) -> None:
        """Move every visible face with the points on it, or lose it."""
        followed = [track for track in self._tracks if track.visible and len(track._points)]
        for track in self._tracks:
            track.detected = False
            if track.visible and not len(track._points):
                track.visible = False
        if not followed:
            return
        old = np.concatenate([track._points for track in followed])
        new, good = follow(self._grey, grey, old)
        start = 0
        for track in followed:
            part = slice(start, start + len(track._points))
            start = part.stop
            before, after = old[part][good[part]], new[part][good[part]]
            face = moved(track.face, before / scale, after / scale)
            stale = time_s - track.detected_s > self.follow_s
            if stale or len(after) < max(4, 0.4 * track._start_points) or _is_out(face, shape):
                track.visible = False
            else:
                track.face, track._points, track.seen_s = face, after, time_s

    def _look_around(self, image: Picture) -> list[Face]:
        """Detect near the known faces only; each gives at most one face."""
        known = [track.face for track in self._tracks if track.visible]
        found = (look_at(image, face, self._near) for face in known)
        return [face for face in found if face is not None]

    def _match(
        self,
        faces: list[Face],
        picture: Picture,
        grey: np.ndarray,
        scale: float,
        time_s: float,
        newcomers: bool,
    ) -> None:
        """Give each detected face to the track it belongs to; the rest are newcomers."""
        for track in self._tracks:
            track.rounds += 1
        faces = [face for face in faces if not _is_out(face, picture.shape)]
        looks = [appearance(picture, face) for face in faces]

        def cost(place: Callable[[Track, Face], float], least: float) -> Cost:
            def of(track: Track, index: int) -> float:
                alike = _likeness(track, looks[index])
                return place(track, faces[index]) + 1 - alike if alike >= least else np.inf

            return of

        # Visible tracks first, by overlap; then lost ones, by closeness; then those who were here.
        free = list(range(len(faces)))
        visible = [track for track in self._tracks if track.visible]
        for track, index in _assign(visible, free, cost(_overlap_cost, OTHER)):
            blend = 0.5 if time_s > track.detected_s else 1.0
            track._steady = track.is_near(faces[index])
            self._confirm(track, _blended(track.face, faces[index], blend), looks[index], time_s)
            free.remove(index)
        for track in visible:  # somebody else is in this one's place
            if not track.detected and any(faces[i].overlap(track.face) > 0.5 for i in free):
                track.visible = False
        lost = [track for track in self._tracks if not track.visible]
        for track, index in _assign(lost, free, cost(_distance_cost, OTHER)):
            self._confirm(track, faces[index], looks[index], time_s)
            free.remove(index)
        if newcomers:
            # Who was followed, but not found, may have been left for who passed before.
            lost = [track for track in self._tracks if not track.detected]
            for track, index in _assign(lost + self._gone, free, cost(_anywhere_cost, ALIKE)):
                self._confirm(track, faces[index], looks[index], time_s)
                free.remove(index)
                if track in self._gone:
                    self._gone.remove(track)
                    self._tracks.append(track)
            known = [track.face for track in self._tracks if track.visible]
            lost = [track for track in self._tracks if not track.visible]
            # Half hidden behind another, somebody who is missed would pass for a newcomer.
            most = 0.02 if lost else 0.3
            free = [i for i in free if all(faces[i].overlap(face) < most for face in known)]
            for index in free:
                number = len(self._all)
                track = Track(number, faces[index], True, time_s, time_s, time_s)
                track._looks = looks[index]
                self._tracks.append(track)
                self._all.append(track)
            self._tracks.sort(key=lambda track: track.id)
        for track in self._tracks:
            if track.detected:
                track._points = points_on(grey, track.face, scale)
                track._start_points = len(track._points)

    def _confirm(self, track: Track, face: Face, looks: np.ndarray, time_s: float) -> None:
        track.face = track._found = face
        if track._looks is None or len(track._looks) != len(looks):
            track._looks = looks
        elif _likeness(track, looks) >= ALIKE:  # half hidden, a face is no example of itself
            mixed = 0.8 * track._looks + 0.2 * looks
            track._looks = mixed / float(np.linalg.norm(mixed))
        track.detected = track.visible = True
        track.detected_s = track.seen_s = time_s
        track.hits += 1


def _blended(old: Face, new: Face, share: float) -> Face:
    """`new`, drawn towards `old` to calm the detector's jitter."""
    names = ["x", "y", "width", "height"]
    if old.landmarks is not None and new.landmarks is not None:
        names.append("landmarks")
    mixed = {n: (1 - share) * getattr(old, n) + share * getattr(new, n) for n in names}
    return replace(new, **mixed)


def _is_out(face: Face, shape: tuple) -> bool:
    """Whether the middle of the face has left the picture."""
    x, y = face.x + face.width / 2, face.y + face.height / 2
    return not (0 <= x < shape[1] and 0 <= y < shape[0])


def _overlap_cost(track: Track, face: Face) -> float:
    overlap = track.face.overlap(face)
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


def _anywhere_cost(track: Track, face: Face) -> float:
    """A face of about the same size anywhere in the picture costs nothing."""
    return 0.0 if 1 / 3 < face.width / track.face.width < 3 else np.inf


def _likeness(track: Track, looks: np.ndarray) -> float:
    """How alike a face is to a track's, up to 1; 1 where they cannot be compared."""
    if track._looks is None or len(track._looks) != len(looks):
        return 1.0
    return float(track._looks @ looks)


Cost = Callable[[Track, int], float]


def _assign(tracks: list[Track], free: list[int], cost: Cost) -> list[tuple[Track, int]]:
    """Pairs (track, index of face) of least total cost; impossible pairs stay apart."""
    if not tracks or not free:
        return []
    if len(tracks) == len(free) == 1:  # the usual case, which need not wait for SciPy
        return [(tracks[0], free[0])] if np.isfinite(cost(tracks[0], free[0])) else []
    from scipy.optimize import linear_sum_assignment

    costs = np.array([[cost(track, index) for index in free] for track in tracks])
    far = 1e6
    rows, columns = linear_sum_assignment(np.where(np.isinf(costs), far, costs))
    return [
        (tracks[r], free[c]) for r, c in zip(rows, columns, strict=True) if np.isfinite(costs[r, c])
    ]
