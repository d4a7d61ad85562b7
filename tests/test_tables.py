import time

import numpy as np
import pandas as pd
import pytest

from fer_nb import tables
from fer_nb.errors import FerError, TableError
from fer_nb.faces import Face
from fer_nb.models import load_model
from fer_nb.reactions import (
    TableBuilder,
    analyze_video,
    check_table,
    read_table,
    write_table,
)
from fer_nb.tracking import Track


@pytest.fixture(scope="module")
def table(viewer) -> pd.DataFrame:
    return analyze_video(viewer)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_tables_are_written_and_read_without_loss(table, tmp_path, suffix):
    path = write_table(table, tmp_path / f"t.{suffix}")
    back = read_table(path)
    pd.testing.assert_frame_equal(back, table, check_exact=True)
    assert back.attrs == table.attrs
    with pytest.raises(FerError, match="exists already"):
        write_table(table, path)
    write_table(table, path, force=True)
    assert not [p for p in tmp_path.iterdir() if "part" in p.name]


def test_false_alarm_is_left_out():
    builder = TableBuilder(min_detections=3)
    model, image = load_model(), np.zeros((60, 60, 3), np.uint8)

    def track(id_: int, x: float, hits: int, rounds: int, last_s: float = 0.2) -> Track:
        face = Face(x, 5, 20, 20, 1.0)
        return Track(id_, face, True, last_s, last_s, born_s=0.0, hits=hits, rounds=rounds)

    real, alarm = track(0, 5, hits=5, rounds=6), track(1, 20, hits=2, rounds=5)
    just_come, slow = track(2, 30, hits=1, rounds=2), track(3, 40, 2, 4, last_s=2.0)
    tracks = [real, alarm, just_come, slow]
    builder.add(0, 0.0, image, tracks, model.predict_batch([image] * 4))
    table = builder.table()
    assert table["x"].tolist() == [5, 30, 40]
    assert table["face_id"].tolist() == [0, 1, 2]


def test_brightness_and_contrast():
    dark = np.zeros((64, 64, 3), np.uint8)
    dark[:, 32:] = 200
    assert tables.picture_quality(dark) == pytest.approx((100, 100), abs=1)


def test_impossible_tables_are_refused(table, tmp_path):
    with pytest.raises(TableError, match="lacks p_anger"):
        check_table(table.drop(columns="p_anger"))
    bad = table.copy()
    bad.loc[0, ["p_happy", "p_sad"]] = (2 - bad.loc[0, "p_sad"], -1)
    with pytest.raises(TableError, match="outside 0-1"):
        check_table(bad)
    with pytest.raises(TableError, match=r"none of ours \(joy\)"):
        check_table(table.assign(emotion="joy"))
    bad = table.copy()
    bad["p_happy"] += 1
    bad["valence"] = 9
    bad.loc[3, "time_s"] = -1
    with pytest.raises(TableError, match=r"backwards.*sum to 1.*valence outside"):
        check_table(bad)
    with pytest.raises(TableError, match="twice"):
        check_table(table.iloc[[0, 0]])
    (tmp_path / "x.parquet").write_text("no table")
    with pytest.raises(TableError, match="cannot be read"):
        read_table(tmp_path / "x.parquet")
    with pytest.raises(TableError, match="there is no"):
        read_table(tmp_path / "y.parquet")
    with pytest.raises(TableError, match=r"use \.parquet or \.csv"):
        write_table(table, tmp_path / "t.xlsx")


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_tables_from_elsewhere_need_no_more_than_was_agreed(table, tmp_path, suffix):
    path = tmp_path / f"t.{suffix}"
    write_table(table.drop(columns=["brightness", "contrast", "yaw_ratio"]), path)
    back = read_table(path)
    assert set(back) == set(tables.COLUMNS)
    assert back[["brightness", "contrast", "yaw_ratio"]].isna().all(axis=None)
    assert back["valence"].equals(table["valence"])


def test_table_of_a_long_video_is_made_fast():
    """An hour at 25 frames a second, ready readings: seconds, not minutes."""
    builder = TableBuilder()
    image = np.zeros((8, 8, 3), np.uint8)
    track = Track(0, Face(0, 0, 5, 5, 1.0), True, 0.0, 0.0, hits=9, rounds=9)
    read = load_model().predict_batch([image])
    start = time.perf_counter()
    for i in range(90_000):
        builder._add(i, i / 25, (1.0, 1.0), [(track, track.face)], read)
    assert len(builder.table()) == 90_000
    assert time.perf_counter() - start < 20
