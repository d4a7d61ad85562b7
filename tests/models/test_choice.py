"""`load_model("auto")` measures once, and then keeps to what it said."""

from __future__ import annotations

import pytest

from fer_nb.models import choice, load_model


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_NB_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("took_ms", "live", "fast"),
    [(4.9, False, True), (5.1, False, False), (9, True, True), (11, True, False)],
)
def test_a_model_is_fast_enough_or_not(cache, monkeypatch, took_ms, live, fast):
    monkeypatch.setattr(choice, "milliseconds", lambda model, batch: took_ms)
    assert choice.fast_enough(load_model("accurate"), live) is fast


def test_the_answer_stays(cache, monkeypatch):
    monkeypatch.setattr(choice, "milliseconds", lambda model, batch: 1.0)
    assert load_model("auto").info["name"] == "accurate"
    monkeypatch.setattr(choice, "milliseconds", lambda model, batch: 99.0)
    assert load_model("auto").info["name"] == "accurate"
    for file in cache.glob("speed-*.json"):
        file.write_text("{")
    assert load_model("auto").info["name"] == "compact"


def test_time_is_the_best_of_some_a_face(monkeypatch):
    ticks = iter([0.0, 0.5, 1.0, 1.2, 2.0, 2.4])  # 500, 200 and 400 ms for four faces

    class Reader:
        def predict_batch(self, faces):
            assert len(faces) == 4

    monkeypatch.setattr(choice.time, "perf_counter", lambda: next(ticks))
    assert choice.milliseconds(Reader(), 4, repeats=3) == pytest.approx(50)


def test_a_cache_that_cannot_be_written_keeps_nothing_from_working(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FER_NB_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(choice, "milliseconds", lambda model, batch: 1.0)
    assert choice.fast_enough(load_model("accurate"))
