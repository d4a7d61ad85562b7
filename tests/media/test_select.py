import math

import numpy as np
import pytest

from fer_nb.errors import FerError
from fer_nb.media.select import Selection


class Shown:
    def __init__(self, index, time_s):
        self.index, self.time_s = index, time_s


def chosen(times, shift_s=0.0, **how):
    frames = [Shown(i, t) for i, t in enumerate(times)]
    return [frame.index for frame in Selection(**how).of(frames, shift_s)]


STEADY = np.arange(50) / 25


def test_each_nth_frame_the_first_one_always():
    assert chosen(STEADY) == list(range(50))
    assert chosen(STEADY, every=20) == [0, 20, 40]


def test_a_rate_is_of_time_and_not_of_frames():
    assert chosen(STEADY, fps=5) == list(range(0, 50, 5))
    assert len(chosen(STEADY, fps=10)) == 20  # 25 is no multiple of it
    assert chosen(STEADY, fps=60) == list(range(50))
    # A camera that slows down in the dark: 30, then 5 per second.
    times = np.concatenate([np.arange(30) / 30, 1 + np.arange(10) / 5])
    taken = times[chosen(times, fps=5)]
    np.testing.assert_allclose(np.diff(taken), 0.2, atol=0.034)
    assert len(taken) == 15


def test_a_stretch_is_in_seconds_of_the_clock():
    assert chosen(STEADY, start_s=0.4, end_s=0.6) == [10, 11, 12, 13, 14, 15]
    assert chosen(STEADY, shift_s=0.2, start_s=0.4, end_s=0.6) == [5, 6, 7, 8, 9, 10]
    assert chosen(STEADY, start_s=9) == []


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"every": 0}, "1 or more"),
        ({"every": 1.5}, "whole number"),
        ({"fps": 0}, "above 0"),
        ({"fps": math.nan}, "above 0"),
        ({"fps": 5, "every": 2}, "not both"),
        ({"start_s": -1}, "start_s must be 0"),
        ({"start_s": 3, "end_s": 2}, "from 3 to 2 s"),
    ],
)
def test_what_cannot_be_is_told(how, said):
    with pytest.raises(FerError, match=said):
        Selection(**how)
