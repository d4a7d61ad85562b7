import numpy as np
import pytest
from test_player import unpack

from fer_nb.errors import FerError
from fer_nb.person import main_person, person_rows, smoothed
from fer_nb.reports.player import recording_data
from fer_nb.reports.recording import on_stimulus_clock, verdict
from fer_nb.study import run_study


@pytest.mark.parametrize(
    ("measured_s", "duration_s", "told"),
    [(0.04, 0.0, "0.0 of 0.0"), (0.5, 0.0, "0.5 of 0.5"), (61.7, 62.2, "62 of 62")],
)
def test_no_more_seconds_are_measured_than_there_are(measured_s, duration_s, told):
    figures = {"measured_s": measured_s, "mean_valence": 4.0, "dominant": "happy"}
    said = verdict({"duration_s": duration_s, "usable": True}, figures)
    assert f"measured for {told} seconds" in said


def test_a_respondent_s_page_has_the_clock_of_the_audience(make_study, quick):
    """The same second of the film says the same on both pages."""
    manifest, tables = make_study(n=3, duration=12, start=5)
    audience = run_study(manifest, tables=tables, config=quick).audiences["film"]
    for i, table in enumerate(tables.values()):
        watched = on_stimulus_clock(table, 5.0)
        rows = person_rows(watched, main_person(watched))
        data = recording_data("viewer", rows, smoothed(rows, 0), None)
        own = unpack(data["curves"][0]["band"])[0][: len(audience.times)]
        both = ~np.isnan(own) & (audience.coverage[i] > 0.99)
        both[0] = False  # of the frame that was shown when the film began, the study has the rest
        assert both.sum() > 30
        np.testing.assert_allclose(own[both], audience.raw[i, 0][both], atol=0.002)
        assert watched.attrs == table.attrs


def test_without_a_stimulus_the_recording_keeps_its_own_clock(make_study):
    table = make_study(n=1, duration=6)[1]["p0.mp4"]
    assert on_stimulus_clock(table) is table
    with pytest.raises(FerError, match="check start_s"):
        on_stimulus_clock(table, 60.0)


def test_the_stimulus_ends_the_page(make_study, make_video):
    table = make_study(n=1, duration=6, start=5)[1]["p0.mp4"]
    film = make_video([np.zeros((48, 64, 3), np.uint8)] * 40, fps=10)
    assert on_stimulus_clock(table, 5.0, film)["time_s"].between(0, 4).all()
