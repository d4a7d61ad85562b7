"""Signals of many people, worked out where they are looked at, and not kept.

Ten thousand people and half a minute are 130 MB, and a study looks at them in several forms
(departures, smoothed, as they are tested), and for every segment. So one form is kept, and each of
the others is a rule that is followed for the people and the signals that are asked for, some people
at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

_NUMBERS = 250_000  # worked out at a time: a rule holds several times their 2 MB


class Derived:
    """An array (n, signals, B) that is indexed like one, by people, signals and bins in this order.

    Parameters
    ----------
    shape : tuple of int
    work : callable
        Given people (an index of NumPy) and signals (a number or a slice), returns their values in
        all bins.

    Examples
    --------
    >>> ones = np.ones((3, 2, 4))
    >>> double = Derived(ones.shape, lambda people, signals: 2 * ones[people, signals])
    >>> double[:2, 0].shape, double[0, :, 2:].tolist()
    ((2, 4), [[2.0, 2.0], [2.0, 2.0]])
    """

    def __init__(self, shape: tuple[int, ...], work: Callable[..., np.ndarray]):
        self.shape = shape
        self._work = work

    def __getitem__(self, key) -> np.ndarray:
        key = key if isinstance(key, tuple) else (key,)
        people, signals, bins = key + (slice(None),) * (3 - len(key))
        rows = np.arange(self.shape[0])[people]
        each = self.shape[2] * len(np.atleast_1d(np.arange(self.shape[1])[signals]))
        step = max(1, _NUMBERS // max(1, each))
        if rows.size <= step:
            return self._work(people, signals)[..., bins]
        some = [slice(i, i + step) for i in range(0, len(rows), step)]
        first = self._work(rows[some[0]], signals)[..., bins]
        out = np.empty((len(rows), *first.shape[1:]), dtype=first.dtype)
        out[some[0]] = first
        for part in some[1:]:
            out[part] = self._work(rows[part], signals)[..., bins]
        return out

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self[:], dtype=dtype)


# What is kept, or worked out: both are indexed alike.
Signals: TypeAlias = np.ndarray | Derived


def exact(values: np.ndarray) -> Signals:
    """Return signals in double precision, also those that are kept in single."""
    if values.dtype == np.float64:
        return values
    return Derived(values.shape, lambda people, signals: values[people, signals].astype(float))


def of_some(values: Signals, rows: np.ndarray) -> Derived:
    """Return the signals of some of the people (indices)."""
    shape = (len(rows), *values.shape[1:])
    return Derived(shape, lambda people, signals: values[rows[people], signals])


def hidden(values: Signals, mask: np.ndarray) -> Derived:
    """Return the signals, missing where the mask (n, B) is true."""
    everywhere = np.broadcast_to(mask[:, None, :], values.shape)

    def work(people, signals):
        return np.where(everywhere[people, signals], np.nan, values[people, signals])

    return Derived(values.shape, work)


class Columns:
    """Some signals as columns (n, signals * B), one after the other, of which a few are taken."""

    def __init__(self, values: Signals, signals: Sequence[int]):
        self._values, self._signals, self._bins = values, signals, values.shape[2]
        self.shape = values.shape[0], len(signals) * self._bins

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        people, columns = key
        start, stop, _ = columns.indices(self.shape[1])
        parts = []
        for i in range(start // self._bins, -(-stop // self._bins)):
            bins = slice(max(0, start - i * self._bins), min(self._bins, stop - i * self._bins))
            parts.append(self._values[people, self._signals[i], bins])
        return np.concatenate(parts, axis=1)
