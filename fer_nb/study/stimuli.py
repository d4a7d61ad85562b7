"""What was shown: stimuli, their scenes, and the file that describes them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fer_nb.files import Names
from fer_nb.remote import beside, is_address
from fer_nb.study.rows import number, read_rows

_COLUMNS = ("video", "duration_s", "title", "scenes", "brand")


@dataclass(frozen=True)
class Scene:
    """A named stretch of a stimulus, in seconds of the stimulus clock."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Stimulus:
    """What was shown. `video` (a path, or an address) and `duration_s` are None where unknown;
    `duration_s` is NaN in a finished study in which no recording could tell it."""

    name: str
    title: str
    video: str | Path | None = None
    duration_s: float | None = None
    scenes: tuple[Scene, ...] = ()
    brand: tuple[Scene, ...] = ()

    @property
    def film(self) -> Path | None:
        """The video, if it lies on this computer."""
        return None if self.video is None or is_address(self.video) else Path(self.video)


def cell_name(row: Mapping) -> str:
    """What was watched: the stimulus, with the phase where the manifest has one."""
    return f"{row['stimulus']} ({row['phase']})" if row["phase"] else row["stimulus"]


def stimulus_name(names: Container[str], cell: str) -> str:
    """Name of the stimulus behind a `cell_name`: the longest that fits."""
    name = cell
    while name not in names:
        name, phase, _ = name.rpartition(" (")
        if not phase:
            raise KeyError(cell)
    return name


def read_stimuli(path: Path, base: str | Path, problems: list[str]) -> dict[str, Stimulus]:
    """Return the stimuli of a file, whose videos are named by their paths from `base`."""
    result: dict[str, Stimulus] = {}
    names = Names()
    for row in read_rows(path, ("stimulus",), problems, _COLUMNS):
        where, name = row["line"], row["stimulus"]
        if not name:
            problems.append(f"{where}: stimulus is empty")
            continue
        if name in result:
            problems.append(f"{where}: stimulus {name!r} is described twice")
            continue
        duration = number(row.get("duration_s"), where, "duration_s", problems)
        if duration == 0:
            problems.append(f"{where}: duration_s is 0")
        video: str | Path | None = None
        if given := row.get("video"):
            video = beside(base, given)
        if isinstance(video, Path):
            video = names.found(video)
            if not os.path.isfile(video):
                problems.append(f"{where}: there is no stimulus video {row['video']!r}")
        scenes, brand = (
            _scenes(row.get(column, ""), duration, where, problems, column)
            for column in ("scenes", "brand")
        )
        title = row.get("title") or name
        result[name] = Stimulus(name, title, video, duration, scenes, brand)
    return result


def scenes_beyond(scenes: Iterable[Scene], duration_s: float) -> list[str]:
    """Return in words which scenes end after a stimulus of so many seconds; none if that is NaN."""
    length = f"{round(duration_s, 1):g} s"
    return [
        f"scene {scene.name!r} ends at {scene.end_s:g} s, after the stimulus ({length})"
        for scene in scenes
        if scene.end_s > duration_s + 0.5
    ]


def _scenes(
    text: str, duration, where: str, problems: list[str], column: str = "scenes"
) -> tuple[Scene, ...]:
    if not text:
        return ()
    try:
        items = json.loads(text)
        scenes = tuple(Scene(str(i["name"]), float(i["start_s"]), float(i["end_s"])) for i in items)
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError):
        problems.append(
            f"{where}: {column} is not a JSON list like "
            '[{"name": "opening", "start_s": 0, "end_s": 4}]'
        )
        return ()
    names = [scene.name for scene in scenes]
    for scene in scenes:
        if scene.name == "whole":
            problems.append(
                f"{where}: a scene is named 'whole', which stands for all of the stimulus; "
                "rename it"
            )
        if not 0 <= scene.start_s < scene.end_s < math.inf:
            problems.append(
                f"{where}: scene {scene.name!r} must start at 0 or later and end later, both at "
                "numbers of seconds"
            )
        elif duration:
            problems += [f"{where}: {beyond}" for beyond in scenes_beyond([scene], duration)]
        if names.count(scene.name) > 1 and scene is scenes[names.index(scene.name)]:
            problems.append(f"{where}: two scenes are named {scene.name!r}")
    return scenes
