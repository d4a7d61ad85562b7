"""What slides say: titles, tables, curves, bars and moments, free of any file format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Table:
    """Rows of texts, the head first, and what must be said of them."""

    title: str
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class CurveLine:
    """One curve over the seconds of a film, with its band where there is one."""

    label: str
    time_s: np.ndarray
    values: np.ndarray
    color: str
    low: np.ndarray | None = None
    high: np.ndarray | None = None

    @property
    def all_values(self) -> list[np.ndarray]:
        """The curve and the ends of its band."""
        return [v for v in (self.values, self.low, self.high) if v is not None]


@dataclass(frozen=True)
class Curves:
    """Curves of one signal; `reach`, numbers that the axis holds beside them."""

    title: str
    unit: str
    lines: Sequence[CurveLine]
    note: str = ""
    reach: Sequence[float] = ()


@dataclass(frozen=True)
class Bars:
    """Numbers of one film, a bar each, with the ends of their intervals (NaN where none)."""

    label: str
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    color: str


@dataclass(frozen=True)
class Segment:
    """One column of the manifest: a bar per level and film, and what must be said of it."""

    title: str
    unit: str
    levels: Sequence[str]
    bars: Sequence[Bars]
    note: str


@dataclass(frozen=True)
class MomentCard:
    """A moment: its time, what was seen, and the frame of the film as RGB where there is one."""

    when: str
    what: str
    frame: np.ndarray | None = None
    film: str = ""


@dataclass(frozen=True)
class Deck:
    """What the slides say; `fer_nb.reports.export` fills it from a study."""

    title: str
    subtitle: str
    verdict: Sequence[str]
    tables: Sequence[Table]
    curves: Sequence[Curves]
    moments: Sequence[tuple[str, Sequence[MomentCard]]]  # title, cards
    method: Sequence[str]
    segments: Sequence[Segment] = ()
