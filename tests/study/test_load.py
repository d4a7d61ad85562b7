"""Studies of any number: planning is quick, and twice as many take twice as long."""

import time
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from fer_nb.errors import StudyError
from fer_nb.person import Rest
from fer_nb.study import StudyConfig, intervals, read_manifest, signals
from fer_nb.study.clusters import cluster_test, two_sample_cluster_test
from fer_nb.study.collect import Recording
from fer_nb.study.curves import as_tested, audience_table
from fer_nb.study.expressed import expressed_seconds
from fer_nb.study.intervals import mean_band
from fer_nb.study.loaders import table_loader
from fer_nb.study.metrics import person_metrics
from fer_nb.study.segments import segment_tables
from fer_nb.study.signals import of_some
from fer_nb.study.stimuli import stimulus_name
from fer_nb.study.study import gather
from fer_nb.study.two_samples import shuffle_p, sign_flip_p

COLUMNS = (("gender", 1), ("age", 2))


def planned(folder, rows: int, stimuli: int) -> float:
    """Write a manifest and return the processor time that it takes to plan its study."""
    lines = [f"r{i},film {i % stimuli},r{i}.mp4,before" for i in range(rows)]
    text = "respondent,stimulus,video,phase\n" + "\n".join(lines) + "\n"
    (folder / "m.csv").write_text(text)
    shown = "\n".join(f"film {i},30" for i in range(stimuli))
    (folder / "stimuli.csv").write_text(f"stimulus,duration_s\n{shown}\n")
    (folder / "tables").mkdir(exist_ok=True)
    begin = time.process_time()
    manifest = read_manifest(folder / "m.csv", need_videos=False)
    table_loader(folder / "tables", manifest.recordings.to_dict("records"))
    seconds = time.process_time() - begin
    assert (len(manifest.recordings), len(manifest.stimuli)) == (rows, stimuli)
    return seconds


@pytest.mark.parametrize("share", [1, 1000])
def test_ten_thousand_recordings_are_planned_within_five_seconds(tmp_path, share):
    planned(tmp_path, 100, 10)  # what is imported on the way does not count
    few, many = planned(tmp_path, 2500, 2500 // share), planned(tmp_path, 10_000, 10_000 // share)
    assert many < 5
    assert many < 8 * few + 0.5  # four times as many; sixteen times as long if it were quadratic


def test_a_wrong_file_of_stimuli_is_told_in_a_line_each(tmp_path):
    lines = [f"r{i},film {i},r{i}.mp4" for i in range(1000)]
    (tmp_path / "m.csv").write_text("respondent,stimulus,video\n" + "\n".join(lines) + "\n")
    shown = "\n".join(f"other {i}" for i in range(1000))
    (tmp_path / "stimuli.csv").write_text(f"stimulus\n{shown}\n")
    with pytest.raises(StudyError, match=r"other 9, and 990 more\)") as told:
        read_manifest(tmp_path / "m.csv", need_videos=False)
    assert len(str(told.value)) < 500_000


def test_the_signals_of_many_people_are_kept_once():
    rng = np.random.default_rng(0)
    config = StudyConfig(n_boot=200)
    rests = {"before": Rest(np.full(11, 0.1), np.full(11, 0.1), np.full(11, 0.3), 5.0)}
    seen = np.ones(150), np.ones((9, 30))
    kept = [Recording(str(i), "film", "", rng.random((11, 150)), *seen, rests) for i in range(1500)]
    once = 1500 * 11 * 150 * 8
    tracemalloc.start()
    audiences, _ = gather(kept, config)
    segments = [audiences["film"].take(range(i, 1500, 3)) for i in range(3)]
    for people in (audiences["film"], *segments):
        person_metrics(people, 0, 30)
    audience_table(audiences["film"])
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert now < 2 * once  # with the seconds in which an emotion was expressed
    assert peak < 6 * once
    assert segments[0].corrected[1, 4, 7] == kept[3].raw[4, 7] - 0.1


def test_permutations_of_many_people_need_little_memory():
    rng = np.random.default_rng(0)
    people, config = 3000, StudyConfig(n_permutations=5000, n_boot=5000)
    values = rng.normal(0.1, 1, (people, 4))
    for work in (
        lambda: sign_flip_p(values, rng, 5000),
        lambda: shuffle_p(values[:1500], values[1500:], rng, 5000),
        lambda: cluster_test(values, config, "film"),
        lambda: two_sample_cluster_test(values[:1500], values[1500:], config, "film"),
        lambda: mean_band(values, rng=rng, n_boot=5000),
    ):
        tracemalloc.start()
        work()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 110e6  # each of them had 15 million numbers of 8 bytes, and more, at once


def test_permutations_in_blocks_are_those_drawn_at_once(monkeypatch):
    rng = np.random.default_rng(1)
    values = rng.normal(0.1, 1, (30, 4))
    config = StudyConfig(n_permutations=2000, n_boot=2000)

    def found():
        draw = np.random.default_rng(2)
        return (
            sign_flip_p(values, draw, 2000).tolist(),
            shuffle_p(values[:15], values[15:], draw, 2000).tolist(),
            cluster_test(values, config, "film"),
            two_sample_cluster_test(values[:15], values[15:], config, "film"),
            np.round(mean_band(values, rng=draw).low, 9).tolist(),
        )

    at_once = found()
    monkeypatch.setattr(intervals, "_NUMBERS", 30 * 300)
    assert found() == at_once


def test_signals_of_many_people_are_those_worked_out_at_once(monkeypatch):
    rng = np.random.default_rng(3)
    values = rng.random((40, 11, 30))
    values[3, :, 4:9] = np.nan
    rests = [Rest(rng.random(11), rng.random(11), rng.random(11), 5.0) for _ in range(40)]
    seconds, resting, config = rng.random((40, 9, 20)), rng.random((40, 9)), StudyConfig()

    def found():
        tested = as_tested(values, rests, config)
        some = of_some(tested, np.arange(1, 40, 2))
        keys = (slice(None), 3), (slice(2, 30, 3), slice(2)), (np.arange(9), slice(None), slice(7))
        parts = [part[key] for part in (tested, some) for key in keys]
        return [*parts, some[5, 2], expressed_seconds(seconds, resting, config)]

    at_once = found()
    monkeypatch.setattr(signals, "_NUMBERS", 700)
    monkeypatch.setattr(intervals, "_NUMBERS", 1000)
    for here, there in zip(found(), at_once, strict=True):
        np.testing.assert_array_equal(here, there)
        assert here.dtype == there.dtype


def test_the_longest_name_that_fits_is_the_stimulus():
    names = {"film", "film (long)", "film (long) (cut)"}
    assert stimulus_name(names, "film") == "film"
    assert stimulus_name(names, "film (before)") == "film"
    assert stimulus_name(names, "film (long) (before)") == "film (long)"
    assert stimulus_name(names, "film (long) (cut)") == "film (long) (cut)"
    assert stimulus_name(names, "film (a (b)") == "film"
    with pytest.raises(KeyError):
        stimulus_name(names, "other (before)")


def test_segments_of_many_people_hold_one_column_at_a_time():
    rng = np.random.default_rng(0)
    people, config = 2000, StudyConfig(n_boot=200, n_permutations=200)
    rests = {"before": Rest(np.full(11, 0.1), np.full(11, 0.1), np.full(11, 0.3), 5.0)}
    raw, seen = rng.random((11, 150), dtype=np.float32), (np.ones(150), np.ones((9, 30)))
    kept = [Recording(str(i), "film", "", raw, *seen, rests) for i in range(people)]
    audiences, _ = gather(kept, config)
    assert audiences["film"].raw[0].dtype == np.float64  # though kept in single precision
    levels = {name: [str(i // step % 2) for i in range(people)] for name, step in COLUMNS}
    quality = pd.DataFrame({"respondent": list(audiences["film"].respondents)} | levels)
    segment_tables(audiences, quality)  # what is imported on the way does not count
    tracemalloc.start()
    segments, *_ = segment_tables(audiences, quality)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert set(segments["column"]) == set(dict(COLUMNS))
    assert peak < 32e6
