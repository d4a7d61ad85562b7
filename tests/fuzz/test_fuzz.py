"""A short run of `make fuzz`: the same few damaged files each time."""

import random

from fuzz import KINDS, fuzz, make_seeds, mutated, read


def test_damaged_files_are_read_or_refused(tmp_path):
    tallies, found = fuzz(100, tmp_path / "found")
    assert found == []
    done = {kind: sum(tally.values()) for kind, tally in tallies.items()}
    assert done == dict.fromkeys(KINDS, 20)
    assert sum(tally["refused"] for tally in tallies.values()) > 20  # they were damaged indeed


def test_whole_files_are_read(tmp_path):
    make_seeds(tmp_path)
    for kind in KINDS:
        for path in (tmp_path / kind).iterdir():
            read(kind, path)


def test_damage_is_the_same_each_time():
    data = bytes(range(256)) * 9
    assert mutated(data, random.Random("a1")) == mutated(data, random.Random("a1")) != data
