"""What is seen of the work while it lasts."""

import io
import re
import sys

import pytest

from fer_nb.progress import recordings_bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("screen", [Terminal, io.StringIO])
def test_the_bar_tells_the_time_left_and_each_failure_at_once(monkeypatch, screen):
    monkeypatch.setattr(sys, "stderr", shown := screen())
    with recordings_bar() as advance:
        advance(1, 4, "a.mp4")
        advance(2, 4, "b.mp4", "b.mp4 is empty")
        lines = shown.getvalue()
        assert ("b.mp4 failed: b.mp4 is empty\n" in lines) == (screen is Terminal)
        advance(3, 4, "c.mp4")
    if screen is io.StringIO:  # a file, in which nobody watches a bar
        assert shown.getvalue() == ""
        return
    assert re.search(r"1/4 \[\d\d:\d\d<\d\d:\d\d, .* 0 failed, last: a.mp4", shown.getvalue())
