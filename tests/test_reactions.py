import io

import av
import numpy as np
import pandas as pd
import pytest
from clips import encode
from PIL import Image

from fer_nb.emotions import EMOTIONS, PROBABILITY_COLUMNS
from fer_nb.errors import FerError
from fer_nb.faces import Face
from fer_nb.media import VideoReader
from fer_nb.models import load_model
from fer_nb.reactions import (
    analyze_frames,
    analyze_image,
    analyze_video,
)
from fer_nb.tables import COLUMNS, check_table, read_table, write_table


@pytest.fixture(scope="module")
def table(viewer) -> pd.DataFrame:
    return analyze_video(viewer)


def test_one_row_per_face_per_frame_in_order(table, viewer):
    assert list(table.columns) == [*COLUMNS, "source"]
    assert table["frame"].tolist() == list(range(45))
    with av.open(str(viewer)) as container:
        stamps = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
    np.testing.assert_allclose(table["time_s"], np.array(stamps) - stamps[0], atol=1e-3)
    assert str(table["face_id"].dtype) == "Int64"
    assert table["frame"].dtype == np.int64
    assert table["p_happy"].dtype == table["valence"].dtype == np.float32
    assert list(table["emotion"].cat.categories) == list(EMOTIONS)


def test_absent_face_is_a_row_without_measurement(table):
    gone = table[(table["frame"] >= 19) & (table["frame"] < 27)]
    assert gone["face_id"].isna().all()
    measured = [*PROBABILITY_COLUMNS, "valence", "arousal", "x", "y", "width", "height", "score"]
    assert gone[measured].isna().all(axis=None)
    assert gone["emotion"].isna().all()
    assert gone["brightness"].notna().all()  # the picture is still there
    seen = table[table["face_id"].notna()]
    assert len(seen) >= 30
    np.testing.assert_allclose(seen[list(PROBABILITY_COLUMNS)].sum(axis=1), 1, atol=1e-5)
    assert set(seen["face_id"]) == {0}  # one person, before and after the gap


def test_reading_equals_that_of_the_crop(table, viewer, monkeypatch):
    """What the table says of a frame is what the model says of the same crop by itself."""
    from fer_nb.faces import crop_face
    from fer_nb.faces.detectors import load_detector
    from fer_nb.media import VideoReader

    row = table.iloc[0]
    with VideoReader(viewer) as video:
        image = next(iter(video)).image
    face = Face(row["x"], row["y"], row["width"], row["height"], 1.0)
    crop = crop_face(image, face, load_detector().margin)
    read = load_model().predict_batch([crop])
    np.testing.assert_allclose(
        row[list(PROBABILITY_COLUMNS)].to_numpy(float), read.probs[0], atol=0.02
    )


def test_provenance(table, viewer):
    attrs = table.attrs
    assert attrs["source"] == viewer.name
    assert len(attrs["sha256"]) == len(attrs["model_sha256"]) == 64
    assert attrs["ratings"] == "circumplex"
    assert attrs["video"]["frames"] == 45
    assert attrs["parameters"]["detector"]["name"] == "face5"
    assert attrs["warnings"] == []


def test_every_takes_each_nth_frame(viewer, table):
    third = analyze_video(viewer, every=3)
    assert third["frame"].tolist() == list(range(0, 45, 3))
    np.testing.assert_allclose(third["time_s"], table["time_s"][::3])
    for wrong in (0, 1.5, np.nan):
        with pytest.raises(FerError, match="every"):
            analyze_video(viewer, every=wrong)


def test_numbers_of_numpy_are_written_as_plain_ones(viewer, tmp_path):
    options = {"detect_interval_s": np.float32(0.25), "min_detections": np.int32(2)}
    table = analyze_video(viewer, every=np.int64(9), **options)
    again = read_table(write_table(table, tmp_path / "table.parquet"))
    assert again.attrs["parameters"]["every"] == 9
    assert again.attrs["parameters"]["detect_interval_s"] == 0.25


@pytest.mark.parametrize("name", ["detect_interval_s", "max_gap_s"])
def test_times_that_are_none_are_refused(viewer, name):
    with pytest.raises(FerError, match=name):
        analyze_video(viewer, **{name: float("nan")})


def test_photo_and_frames(astronaut):
    (row,) = analyze_image(astronaut).to_dict("records")
    assert (row["frame"], row["time_s"], row["face_id"]) == (0, 0.0, 0)
    assert row["emotion"] == "happy"
    both = analyze_image(np.hstack([astronaut, astronaut[:, ::-1]]))
    assert both["face_id"].tolist() == [0, 1]
    frames = [(i / 10, astronaut) for i in range(4)]
    pd.testing.assert_series_equal(
        analyze_frames(frames)["time_s"], pd.Series([0, 0.1, 0.2, 0.3], name="time_s")
    )


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (64, 64)])
def test_photo_without_a_face(size):
    table = analyze_image(np.full((*size, 3), 100, np.uint8))
    assert len(table) == 1
    assert table["face_id"].isna().all()
    check_table(table)


def test_pillow_and_grey_pictures_are_taken_others_refused(astronaut):
    image = Image.fromarray(astronaut)
    assert analyze_image(image)["emotion"].tolist() == ["happy"]
    assert analyze_image(image.convert("RGBA"))["emotion"].tolist() == ["happy"]
    assert len(analyze_image(astronaut[..., 1])) == 1
    for wrong in (astronaut.astype(np.int32), astronaut[:0], np.uint8(3), None):
        with pytest.raises(FerError, match="uint8 array"):
            analyze_image(wrong)
    with pytest.raises(FerError, match=r"from 0 to 1: \(255 \* picture\)"):
        analyze_image(astronaut / 255)


def test_bytes_files_and_animations_are_read(tmp_path, astronaut, hopper):
    path = tmp_path / "a.gif"
    pictures = [Image.fromarray(image[:500]) for image in (astronaut, hopper)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)
    whole = path.read_bytes()
    for source in (path, whole, bytearray(whole), memoryview(whole), io.BytesIO(whole)):
        table = analyze_image(source)
        assert table["emotion"].tolist() == ["happy"]
        told = "the first of 2 pictures was read; analyze_video reads animated GIF and PNG"
        assert table.attrs["warnings"] == [told]
    assert len(analyze_video(path)) == 2
    with pytest.raises(FerError, match="download the picture"):
        analyze_image("https://example.org/a.jpg")


def test_frames_without_a_number_are_numbered(viewer):
    with VideoReader(viewer) as video:
        shown = [video.frame_at(i / 5) for i in range(4)]
        later = next(frame for frame in video if frame.index == 20)
        table = analyze_frames([*shown, later, (2.0, later.image)])
    assert table["frame"].tolist() == [0, 1, 2, 3, 20, 21]
    check_table(table)


def test_times_must_not_run_backwards(astronaut):
    with pytest.raises(FerError, match="in order of time"):
        analyze_frames([(1.0, astronaut), (0.5, astronaut)])


def test_pictures_without_their_times_are_refused(astronaut):
    for frames in ([astronaut, astronaut], astronaut, [(0.0, astronaut, 1)]):
        with pytest.raises(FerError, match=r"\(time_s, picture\)"):
            analyze_frames(frames)


def test_no_frames_at_all():
    table = analyze_frames([])
    assert list(table.columns) == list(COLUMNS)
    assert len(table) == 0


def test_progress_can_stop_the_work(viewer):
    def stop(time_s: float) -> None:
        if time_s > 0.5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        analyze_video(viewer, progress=stop)


def test_errors_of_the_decoding_thread_arrive(viewer, monkeypatch):
    from fer_nb.media import frame as media

    def broken(frame):
        raise ValueError("no such pixel format")

    monkeypatch.setattr(media, "luma_plane", broken)
    with pytest.raises(ValueError, match="pixel format"):
        analyze_video(viewer)


def test_a_part_of_a_video_at_a_rate(viewer):
    table = analyze_video(viewer, fps=5, start_s=0.4, end_s=1.2)
    times = table["time_s"].unique()
    assert times[0] == pytest.approx(0.4, abs=0.05)
    assert times[-1] <= 1.2
    np.testing.assert_allclose(np.diff(times), 0.2, atol=0.05)
    told = table.attrs["parameters"]
    assert (told["fps"], told["start_s"], told["end_s"]) == (5, 0.4, 1.2)


def test_rest_adds_columns_and_changes_no_other(viewer):
    plain, relative = analyze_video(viewer), analyze_video(viewer, rest=(0, 0.5))
    pd.testing.assert_frame_equal(relative[plain.columns], plain)
    early = relative["time_s"] < 0.5
    assert relative.loc[early, "d_valence"].mean() == pytest.approx(0, abs=5e-3)
    assert relative["d_p_happy"].notna().equals(plain["face_id"].notna())


def test_a_players_clock_counts_from_the_sound(tmp_path, astronaut):
    path = tmp_path / "late.mp4"
    encode(path, images=[astronaut] * 8, times=0.8 + np.arange(8) / 25, sound_s=2)
    table = analyze_video(path)
    assert table["time_s"].iloc[0] == 0
    assert table.attrs["video"]["start_s"] == pytest.approx(0.8, abs=0.03)
    assert any("into the file" in warning for warning in table.attrs["warnings"])
    later = analyze_video(path, clock="player")
    np.testing.assert_allclose(later["time_s"] - table["time_s"], 0.8, atol=0.03)
    with pytest.raises(FerError, match="clock must be"):
        analyze_video(path, clock="wall")


def test_faces_in_oblong_pixels_are_read_as_displayed(tmp_path, astronaut):
    squeezed = np.ascontiguousarray(astronaut[:, ::2])
    encode(tmp_path / "s.mp4", images=[squeezed] * 4, aspect=2, options={"crf": "8"})
    encode(tmp_path / "q.mp4", images=[astronaut] * 4, options={"crf": "8"})
    oblong, square = analyze_video(tmp_path / "s.mp4"), analyze_video(tmp_path / "q.mp4")
    for name, near in (("x", 8), ("y", 8), ("width", 12), ("height", 12), ("valence", 0.35)):
        np.testing.assert_allclose(oblong[name], square[name], atol=near)


def test_a_video_that_changes_while_it_is_read_gives_no_table(viewer, tmp_path):
    path = tmp_path / "viewer.mp4"
    for change, said in (
        (lambda: path.write_bytes(viewer.read_bytes()), "changed while it was read"),
        (path.unlink, "cannot be read any more"),
    ):
        path.write_bytes(viewer.read_bytes())
        done = []

        def progress(time_s, change=change, done=done):
            if not done:
                done.append(change())

        with pytest.raises(FerError, match=said):
            analyze_video(path, every=5, progress=progress)


def test_tables_of_several_recordings_are_one_table(viewer, tmp_path):
    one = analyze_video(viewer, every=10)
    other = one.assign(source="=2+2.mp4")
    assert one["source"].unique().tolist() == [viewer.name]
    both = pd.concat([one, other], ignore_index=True)
    for suffix in (".csv", ".parquet"):
        write_table(both, tmp_path / f"both{suffix}")
        again = read_table(tmp_path / f"both{suffix}")
        assert again["source"].astype(str).tolist() == both["source"].astype(str).tolist()
        pd.testing.assert_frame_equal(again[list(COLUMNS)], both[list(COLUMNS)])
    assert "'=2+2.mp4" in (tmp_path / "both.csv").read_text()
    with pytest.raises(FerError, match="runs backwards"):
        check_table(both.drop(columns="source"))
    with pytest.raises(FerError, match="no numbers"):
        check_table(one.assign(time_s=np.inf))
