import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fer_nb.errors import FerError, TableError
from fer_nb.faces import Face
from fer_nb.reactions import analyze_video
from fer_nb.reader import FrameReadings, Reading
from fer_nb.tables import COLUMNS, TableBuilder, check_table, read_table, write_table


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


def test_what_is_no_face_is_left_out_and_no_number_is_missing():
    probs = np.full(9, 1 / 9, np.float32)
    readings = [Reading(i, Face(10 * i, 5, 20, 20, 1.0), probs, 4.0, 4.0) for i in range(4)]
    builder = TableBuilder()
    builder.add(FrameReadings(0, 0.0, 100.0, 10.0, readings))
    table = builder.table(lambda number: number != 1, source="made")
    assert table["x"].tolist() == [0, 20, 30]
    assert table["face_id"].tolist() == [0, 1, 2]
    assert table.attrs == {"source": "made"}


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
    write_table(table, tmp_path / "z.csv")
    (tmp_path / "z.csv.json").write_text(9999 * "[")
    with pytest.raises(TableError, match="cannot be read"):
        read_table(tmp_path / "z.csv")
    with pytest.raises(TableError, match="there is no"):
        read_table(tmp_path / "y.parquet")
    with pytest.raises(TableError, match=r"use \.parquet or \.csv"):
        write_table(table, tmp_path / "t.xlsx")


def test_a_table_whose_description_is_damaged_is_refused(table, tmp_path):
    path = tmp_path / "x.parquet"
    arrow = pa.Table.from_pandas(table)
    told = arrow.schema.metadata[b"pandas"].replace(b"pandas_type", b"pandas_tyqe")
    pq.write_table(arrow.replace_schema_metadata({"pandas": told}), path)
    with pytest.raises(TableError, match="cannot be read"):
        read_table(path)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_tables_from_elsewhere_need_no_more_than_was_agreed(table, tmp_path, suffix):
    path = tmp_path / f"t.{suffix}"
    lacking = ["brightness", "contrast", "yaw_ratio", "yaw", "pitch", "roll"]
    write_table(table.drop(columns=lacking), path)
    back = read_table(path)
    assert set(back) == {*COLUMNS, "source"}
    assert back[lacking].isna().all(axis=None)
    assert back["valence"].equals(table["valence"])


def test_table_of_a_long_video_is_made_fast():
    """An hour at 25 frames a second, ready readings: seconds, not minutes."""
    builder = TableBuilder()
    reading = Reading(0, Face(0, 0, 5, 5, 1.0), np.full(9, 1 / 9, np.float32), 4.0, 4.0)
    start = time.perf_counter()
    for i in range(90_000):
        builder.add(FrameReadings(i, i / 25, 1.0, 1.0, [reading]))
    assert len(builder.table()) == 90_000
    assert time.perf_counter() - start < 20


def test_a_recording_in_which_nobody_is_seen_is_a_table():
    builder = TableBuilder()
    for i in range(3):
        builder.add(FrameReadings(i, i / 10, 100.0, 10.0, []))
    table = builder.table(lambda number: True, source="made")
    assert len(check_table(table)) == 3
