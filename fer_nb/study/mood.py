"""Before and after: the mood of people in two sets of short clips.

A café films guests as they come in and as they leave (and tells them). The clips may show known
persons twice (linked), or whoever passes by (not linked: every face is a person).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_nb.errors import FerError, StudyError
from fer_nb.files import VIDEO_SUFFIXES, files_in
from fer_nb.loader import VideoLoader
from fer_nb.person import find_person
from fer_nb.study.clusters import holm
from fer_nb.study.config import SIGNALS, StudyConfig
from fer_nb.study.intervals import generator, mean_interval
from fer_nb.study.loaders import table_loader
from fer_nb.study.rows import read_rows
from fer_nb.study.two_samples import independent_row, paired_row, shuffle_p, sign_flip_p

# Valence is the question; the other two are there to understand it, and Holm corrects over all.
MEASURES = ("valence", "arousal", "p_happy")
WARN_BELOW = 12


@dataclass(frozen=True)
class MoodResult:
    """Two sides of a day, compared.

    Attributes
    ----------
    people : DataFrame
        One row per person and phase: `person, phase, clip, seconds, used, valence, arousal,
        p_happy`; `used` is False under the minimum of valid seconds.
    table : DataFrame
        One row per measure: means and n of both sides, `difference` (after - before) with
        interval, effect size, p, and p corrected over measures.
    phases : (str, str)
        Before, after.
    linked : bool
    config : StudyConfig
    warnings : list of (str, dict)
        What to know, as codes with their numbers: "unreadable" (`clip, error`), "no_face" (`clip`),
        "too_short" (`count, min_valid_s`), "one_side" (`count`), "few" (`before, after`).
    """

    people: pd.DataFrame
    table: pd.DataFrame
    phases: tuple[str, str]
    linked: bool
    config: StudyConfig
    warnings: list[tuple[str, dict]]


def run_mood(
    source,
    *,
    tables: Mapping[str, pd.DataFrame] | str | os.PathLike | None = None,
    phases: tuple[str, str] = ("before", "after"),
    linked: bool | None = None,
    min_valid_s: float = 2.0,
    config: StudyConfig | None = None,
    model=None,
    detector=None,
    cache=None,
) -> MoodResult:
    """Compare the mood in two sets of clips.

    Parameters
    ----------
    source : path or DataFrame
        A folder with one subfolder of clips per phase (the same file name in both is the same
        person, if `linked`); or a CSV file, or table, with `video, phase` and, where persons are
        known, `respondent`.
    tables : mapping or path, optional
        Ready reaction tables by the clip's `video`, or a folder of them; without them the clips are
        analysed.
    phases : (str, str)
        Names of the two sides, the earlier first.
    linked : bool, optional
        Whether persons are the same on both sides. Left out: yes where the source names persons.
    min_valid_s : float
        Persons seen for less are left out.
    config : StudyConfig, optional
    model, detector
        As `fer_nb.analyze_video`.
    cache : path, optional
        Folder for analysed clips.

    Returns
    -------
    MoodResult

    Raises
    ------
    StudyError
        If the clips cannot be told apart into two phases; all problems at once.
    """
    config = config or StudyConfig()
    clips, named = _clips(source, phases, need_videos=tables is None)
    linked = named if linked is None else linked
    if linked and not named:
        raise StudyError(
            "persons are said to be linked, but the clips name none; add a column respondent"
        )
    load: Callable[[dict], pd.DataFrame]
    if tables is None:
        load = VideoLoader(Path(cache) if cache else None, model=model, detector=detector)
    else:
        load = table_loader(tables, clips)
    rows, warnings = [], []
    for clip in clips:
        try:
            table = load(clip)
        except FerError as error:
            warnings.append(("unreadable", {"clip": clip["video"], "error": str(error)}))
            continue
        found = _persons(clip, table, config, each_face=not clip["respondent"])
        if not found:
            warnings.append(("no_face", {"clip": clip["video"]}))
        rows += found
    names = ["person", "phase", "clip", "seconds", *SIGNALS]
    people = pd.DataFrame(rows, columns=names)
    people.insert(4, "used", people["seconds"] >= min_valid_s)
    return compare_moods(people, phases, linked, config, warnings, min_valid_s)


def _clips(source, phases, need_videos):
    """List of clips with `respondent, phase, video, path`, and whether persons are named."""
    problems: list[str] = []
    needed = ("video", "phase")
    if isinstance(source, pd.DataFrame):
        missing = [name for name in needed if name not in source]
        if missing:
            raise StudyError(f"the table of clips has no column {', '.join(missing)}; add it")
        rows = [dict(row, line=f"row {i + 1}") for i, row in enumerate(source.to_dict("records"))]
        base = Path()
    elif not isinstance(source, str | os.PathLike):
        raise StudyError(
            f"clips are a folder, a CSV file or a DataFrame, not {type(source).__name__}"
        )
    elif Path(source).is_dir():
        base = Path(source)
        rows = [
            {
                "video": f"{phase}/{file.name}",
                "phase": phase,
                "respondent": file.stem,
                "line": phase,
            }
            for phase in phases
            for file in files_in(base / phase, VIDEO_SUFFIXES, "*")
        ]
        both = [{r["respondent"] for r in rows if r["phase"] == phase} for phase in phases]
        if not (both[0] & both[1]):  # different names on both sides: nobody is linked
            rows = [row | {"respondent": ""} for row in rows]
    else:
        base = Path(source).parent
        rows = read_rows(Path(source), needed, problems)
    clips = []
    for row in rows:
        row = {"respondent": ""} | row
        if row["phase"] not in phases:
            problems.append(
                f"{row['line']}: phase is {row['phase']!r}; it must be {phases[0]} or {phases[1]}"
            )
        path = base / str(row["video"])
        if need_videos and not path.is_file():
            problems.append(f"{row['line']}: there is no video {row['video']!r}")
        name = row["respondent"]
        clips.append(row | {"path": path, "respondent": "" if pd.isna(name) else str(name)})
    for phase in phases:
        if not problems and not any(c["phase"] == phase for c in clips):
            problems.append(f"there is no clip of phase {phase!r}")
    named = [bool(c["respondent"]) for c in clips]
    if any(named) and not all(named):
        problems.append("some clips name a respondent and some do not; name all of them, or none")
    if problems:
        raise StudyError("the clips cannot be compared:\n  " + "\n  ".join(problems))
    return clips, bool(named) and all(named)


def _persons(clip, table: pd.DataFrame, config: StudyConfig, each_face: bool) -> list[dict]:
    """Person-level means of one clip, weighted by time: its respondent, or every face."""
    hold: dict[str, Any] = {"max_hold_s": config.max_hold_s}
    if each_face:
        people = {
            f"{clip['video']}#{int(face)}": find_person(
                table, face_id=int(face), join=False, **hold
            )
            for face in sorted(table["face_id"].dropna().unique())
        }
    else:
        people = {clip["respondent"]: find_person(table, **hold)}
    return [
        {"person": name, "phase": clip["phase"], "clip": clip["video"]}
        | {"seconds": person.measured_s}
        | dict(zip(SIGNALS, person.means().tolist(), strict=True))
        for name, person in people.items()
        if len(person.time_s) > 1
    ]


def person_means(people: pd.DataFrame, phases: tuple[str, str]) -> tuple[pd.DataFrame, ...]:
    """Return each side's means, a row per person: clips of one person count by their seconds."""
    used = people[people["used"]]
    weighted = used[list(SIGNALS)].mul(used["seconds"], axis=0)
    weighted[["person", "phase", "seconds"]] = used[["person", "phase", "seconds"]]
    sides = []
    for phase in phases:
        sums = weighted[weighted["phase"] == phase].drop(columns="phase").groupby("person").sum()
        sides.append(sums[list(SIGNALS)].div(sums["seconds"], axis=0))
    return tuple(sides)


def compare_moods(
    people: pd.DataFrame,
    phases: tuple[str, str],
    linked: bool,
    config: StudyConfig,
    warnings: list[tuple[str, dict]] | None = None,
    min_valid_s: float = 2.0,
) -> MoodResult:
    """Compare person-level moods; see `run_mood`. Several clips of a person are averaged."""
    warnings = list(warnings or [])
    used = people[people["used"]]
    short = len(people) - len(used)
    if short:
        warnings.append(("too_short", {"count": short, "min_valid_s": min_valid_s}))
    before, after = person_means(people, phases)
    if linked:
        both = before.index.intersection(after.index)
        lost = len(before) + len(after) - 2 * len(both)
        if lost:
            warnings.append(("one_side", {"count": int(lost)}))
        before, after = before.loc[both], after.loc[both]
    if min(len(before), len(after)) < WARN_BELOW:
        warnings.append(("few", {"before": len(before), "after": len(after)}))
    table = _mood_table(before, after, linked, config)
    return MoodResult(people, table, phases, linked, config, warnings)


def _mood_table(before, after, linked, config) -> pd.DataFrame:
    a, b = (x[list(MEASURES)].to_numpy(dtype=float) for x in (before, after))
    rng = generator(config.seed, "mood")
    p = np.full(len(MEASURES), np.nan)
    if min(len(a), len(b)) >= config.min_n_interval:
        count = config.n_permutations
        p = sign_flip_p(b - a, rng, count) if linked else shuffle_p(b, a, rng, count)
    rows = []
    options = {"level": config.level, "n_boot": config.n_boot, "min_n": config.min_n_interval}
    for k, measure in enumerate(MEASURES):
        if linked:
            row = paired_row(b[:, k] - a[:, k], config, rng)
        else:
            row = independent_row(b[:, k], a[:, k], config, rng)
        for name, x in (("before", a), ("after", b)):
            mean, low, high, n = mean_interval(x[:, k], rng=rng, **options)
            row |= {name: mean, f"{name}_low": low, f"{name}_high": high, f"n_{name}": n}
        row |= {"measure": measure, "test": "paired" if linked else "independent", "p": p[k]}
        rows.append(row)
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p"])
    order = ["measure", "test", "n_before", "n_after", "before", "before_low", "before_high"]
    order += ["after", "after_low", "after_high", "difference", "low", "high", "bca_low"]
    return table[[*order, "bca_high", "effect_size", "effect", "p", "p_holm"]]
