"""Order and period of presentation: a known effect is taken off, and one order only is told."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from fer_nb.errors import StudyError
from fer_nb.reports.comparison_sections import mixed_table, sensitivity_table
from fer_nb.reports.verdict_words import doubts
from fer_nb.study import StudyConfig, load_study, read_manifest, run_study, save_study
from fer_nb.study.mixed import mixed_model
from fer_nb.study.simulate import Event, simulate_audience, simulate_signals, simulate_table
from fer_nb.study.verdict import verdict

N = 24


def watched(rng, orders, film=0.3, period=0.0, order=0.0):
    """Two films seen by the same people, and how they were presented: known effects of each."""
    n = len(orders)
    audiences = {
        name: simulate_audience(n, rng, duration_s=2.0, missing=False) for name in ("a", "b")
    }
    own = 0.3 * rng.standard_normal(n)
    rows = []
    for name, one in audiences.items():
        place = np.array([1 + (o.index(name.upper())) for o in orders])
        value = own + film * (name == "b") + period * (place == 2)
        value = value + order * np.array([o == "BA" for o in orders])
        one.corrected[:, 0] = (value + 0.1 * rng.standard_normal(n))[:, None]
        rows += [(str(i), name, orders[i], str(place[i])) for i in range(n)]
    table = pd.DataFrame(rows, columns=["respondent", "stimulus", "order", "period"])
    return audiences, table


def test_effects_of_film_period_and_order_are_told_apart():
    """Eighteen of 24 saw A first; people tire by 0.4 points: B looks 0.2 worse than it is."""
    found = {"film": [], "period": [], "order": [], "plain": [], "inside": []}
    for seed in range(30):
        rng = np.random.default_rng(seed)
        orders = ["AB"] * 18 + ["BA"] * 6
        audiences, presented = watched(rng, orders, film=0.3, period=-0.4, order=0.5)
        table, fit = mixed_model(audiences, presented)
        assert fit["presentation"] == "modelled"
        rows = table.set_index(["term", "level"])
        film, late = rows.loc[("stimulus", "b")], rows.loc[("period", "2")]
        found["film"].append(film["estimate"])
        found["period"].append(late["estimate"])
        found["inside"] += [film["low"] <= 0.3 <= film["high"]]
        if ("order", "BA") in rows.index:
            found["order"].append(rows.loc[("order", "BA"), "estimate"])
        found["plain"].append(mixed_model(audiences)[0]["estimate"][1])
    assert np.mean(found["film"]) == pytest.approx(0.3, abs=0.03)
    assert np.mean(found["period"]) == pytest.approx(-0.4, abs=0.03)
    assert np.mean(found["order"]) == pytest.approx(0.5, abs=0.1)
    assert np.mean(found["plain"]) == pytest.approx(0.3 - 0.4 * (18 - 6) / 24, abs=0.03)
    assert np.mean(found["inside"]) >= 0.85


def test_a_balanced_order_with_no_effect_leaves_the_paired_difference():
    audiences, presented = watched(np.random.default_rng(1), ["AB", "BA"] * 12)
    table, _ = mixed_model(audiences, presented)
    a, b = (one.corrected[:, 0, 0] for one in audiences.values())
    film = table[(table["term"] == "stimulus") & (table["level"] == "b")].iloc[0]
    assert film["estimate"] == pytest.approx((b - a).mean(), abs=1e-4)
    ends = stats.ttest_rel(b, a).confidence_interval()
    assert film["high"] - film["low"] == pytest.approx(ends.high - ends.low, rel=0.1)


def test_one_order_only_cannot_be_told_from_the_film():
    audiences, presented = watched(np.random.default_rng(2), ["AB"] * N)
    table, fit = mixed_model(audiences, presented)
    assert fit["presentation"] == "confounded"
    assert set(table["term"]) == {"stimulus"}


def test_columns_that_say_nothing_change_nothing():
    audiences, presented = watched(np.random.default_rng(3), ["AB", "BA"] * 12)
    plain, _ = mixed_model(audiences)
    for other in (presented[["respondent", "stimulus"]], presented.assign(period="", order="")):
        table, fit = mixed_model(audiences, other)
        assert "presentation" not in fit
        pd.testing.assert_frame_equal(table, plain)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("ann,a,1.mp4,AB,one", "ann,b,2.mp4,AB,2"), "period is 'one'; write 1, 2"),
        (("ann,a,1.mp4,AB,1", "ann,b,2.mp4,AB,1"), "has period 1 already"),
        (("ann,a,1.mp4,1,1", "ann,b,2.mp4,2,2"), "order is the whole order a person was given"),
        (("ann,a,1.mp4,AB,1", "ann,b,2.mp4,,2"), "order is empty; give it in every line"),
    ],
)
def test_a_presentation_that_cannot_be_modelled_is_refused(tmp_path, lines, told):
    path = tmp_path / "m.csv"
    path.write_text("\n".join(("respondent,stimulus,video,order,period", *lines)))
    with pytest.raises(StudyError, match=told):
        read_manifest(path, need_videos=False)


@pytest.fixture(scope="module")
def ordered(tmp_path_factory):
    """Two like films, 16 people, twelve of whom saw A first and smile less in what comes second."""
    folder, rng = tmp_path_factory.mktemp("ordered"), np.random.default_rng(5)
    lines, tables = ["respondent,stimulus,video,start_s,order,period"], {}
    people = 16
    for film in "AB":
        events = {k: (Event("happy", 3, 15, size),) for k, size in ((1, 4.0), (2, 0.5))}
        signals = {k: simulate_signals(people, 16, 5, rng, events=e)[1] for k, e in events.items()}
        for i in range(people):
            order = "AB" if i < 12 else "BA"
            place = order.index(film) + 1
            name = f"{film}{i}.mp4"
            tables[name] = simulate_table(signals[place][i], 5, 10, name, rng=rng)
            lines.append(f"V{i},{film},{name},5,{order},{place}")
    manifest = folder / "manifest.csv"
    manifest.write_text("\n".join(lines) + "\n")
    (folder / "stimuli.csv").write_text("stimulus,duration_s\nA,16\nB,16\n")
    config = StudyConfig(n_boot=200, n_permutations=500, isc_shifts=20)
    return run_study(manifest, tables=tables, config=config)


def test_a_study_says_where_its_verdict_hangs_on_the_order(ordered, tmp_path):
    row = ordered.comparison.iloc[0]
    check = ordered.sensitivity.set_index("check").loc["presentation"]
    assert row["role"] == "primary"
    assert row["difference"] > check["difference"] + 0.05  # most saw A first
    assert check["low"] < 0 < check["high"]
    answers = verdict(ordered.comparison, ordered.metrics, ordered.config)
    if answers[0].code == "first":
        assert "Allowing for the order" in doubts(answers, ordered)[0]
    assert "position 2 minus position 1" in mixed_table(ordered)
    assert "allowing for order and period" in sensitivity_table(ordered.comparison, ordered)
    again = load_study(save_study(ordered, tmp_path))
    assert mixed_table(again) == mixed_table(ordered)
    assert again.quality["order"].tolist() == ordered.quality["order"].tolist()


def test_the_verdict_has_the_only_p_of_its_question(ordered):
    """The mixed model and the other checks are told with intervals."""
    assert (ordered.comparison["role"] == "primary").sum() == 1
    assert ordered.comparison.query("role == 'primary'")["p"].notna().all()
    for told in (mixed_table(ordered), sensitivity_table(ordered.comparison, ordered)):
        heads = re.findall(r"<th scope[^>]*>([^<]*)", told)
        assert "interval" in heads
        assert not [head for head in heads if head.split(" ")[0] == "p"]


def test_the_primary_outcome_is_the_one_that_was_named(simulated, quick):
    manifest, tables = simulated
    with pytest.raises(StudyError, match="METRIC:SIGNAL"):
        quick.with_(primary="valence")
    result = run_study(manifest, tables=tables, config=quick.with_(primary="first:p_happy"))
    first = result.comparison.iloc[0]
    assert (first["role"], first["metric"], first["signal"]) == ("primary", "first", "p_happy")
    assert first["p_holm"] == first["p"]
    assert (result.comparison["role"] == "secondary").sum() == len(result.comparison) - 1
