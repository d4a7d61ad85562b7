"""Numbers per stimulus, comparisons, mixed model, norms: against the formulas they stand for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS

from fer_nb.reports.comparison_sentences import mixed_sentence
from fer_nb.study import StudyConfig
from fer_nb.study.comparison import COMPARED, compare_curves, compare_metrics, contrast, contrasts
from fer_nb.study.config import SIGNALS
from fer_nb.study.intervals import exact_share, generator
from fer_nb.study.metrics import curve_peak, person_metrics, stimulus_metrics, whole_metrics
from fer_nb.study.mixed import mixed_model
from fer_nb.study.simulate import Event, simulate_audience
from fer_nb.study.stimuli import Scene
from fer_nb.study.two_samples import independent_row, paired_row, shuffle_p, sign_flip_p

CONFIG = StudyConfig()
EVENTS = (Event("happy", 10, 14, 2.0), Event("surprise", 20, 22, 2.0))


@pytest.fixture(scope="module")
def audience():
    config = CONFIG.with_(n_boot=300, n_permutations=2000)
    return simulate_audience(16, np.random.default_rng(11), events=EVENTS, config=config)


def test_person_metrics_are_means_and_extremes_of_what_was_seen(audience):
    values = person_metrics(audience, 5, 15)
    window = slice(25, 75)
    for i in range(len(audience)):
        seen = ~np.isnan(audience.corrected[i, 6, window])
        if seen.mean() < 0.5:
            assert np.isnan(values["average"][i, 6])
            continue
        assert values["average"][i, 6] == pytest.approx(
            np.nanmean(audience.corrected[i, 6, window])
        )
        assert values["maximum"][i, 6] == pytest.approx(np.nanmax(audience.curves[i, 6, window]))
        assert values["level"][i, 6] == pytest.approx(np.nanmean(audience.raw[i, 6, window]))


def test_peak_end_is_the_mean_of_peak_and_end(audience):
    values = whole_metrics(audience)
    np.testing.assert_allclose(
        values["peak_end"], (values["maximum"] + values["last"]) / 2, equal_nan=True
    )


def test_the_table_holds_every_metric_with_its_interval(audience):
    scenes = (Scene("joke", 9, 15), Scene("beyond", 50, 60))
    table = stimulus_metrics(audience, scenes=scenes)
    assert set(table["scope"]) == {"whole", "joke"}
    happy = table[(table["signal"] == "p_happy") & (table["scope"] == "whole")]
    happy = happy.set_index("metric")
    assert set(happy.index) == {
        *("ever_expressed", "level", "average", "maximum", "minimum", "first", "last"),
        *("peak_end", "peak", "peak_time"),
    }
    assert (happy["low"] <= happy["estimate"]).all()
    assert (happy["estimate"] <= happy["high"]).all()
    ever = happy.loc["ever_expressed"]
    assert (ever["low"], ever["high"]) == pytest.approx(
        exact_share(round(ever["estimate"] * ever["n"]), ever["n"])
    )
    assert 9 <= happy.loc["peak_time", "estimate"] <= 15


def test_no_interval_leaves_its_scale():
    events = (Event("happy", 10, 14, 6.0),)
    few = simulate_audience(5, np.random.default_rng(3), events=events)
    table = stimulus_metrics(few)
    share = table[table["signal"].str.startswith("p_") & (table["metric"] != "peak_time")]
    assert share["low"].min() >= -1
    assert share["high"].max() <= 1


def test_the_peak_is_bounded_where_it_is_and_everywhere_where_there_is_none():
    strong = (Event("happy", 10, 14, 4.0),)
    audience = simulate_audience(30, np.random.default_rng(2), events=strong)
    height, low, high, at, begin, end = curve_peak(
        audience.signal("p_happy"), audience.times, audience.config, generator(0)
    )
    assert low < height < high
    assert 9 < begin <= at <= end < 16
    flat = np.random.default_rng(0).normal(size=(15, 60))
    *_, begin, end = curve_peak(flat, np.arange(60) / 5, audience.config, generator(0))
    assert end - begin > 8
    alone = curve_peak(flat[:1], np.arange(60) / 5, audience.config, generator(0))
    assert np.isnan(alone[1])
    assert np.isfinite(alone[0])


def test_sign_flips_are_exhaustive_where_they_are_few():
    d = np.random.default_rng(0).normal(0.4, 1, (9, 1))
    p = sign_flip_p(d, np.random.default_rng(1), 10_000)[0]
    want = stats.permutation_test(
        (d[:, 0],), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert p == pytest.approx(want)


def test_shuffles_hold_their_level_with_unequal_spreads():
    rng = np.random.default_rng(2)
    hits = [
        shuffle_p(rng.normal(0, 3, (10, 1)), rng.normal(0, 1, (30, 1)), rng, 400)[0] <= 0.05
        for _ in range(300)
    ]
    assert np.mean(hits) <= 0.085  # a plain permutation of means errs in one case of five here


def test_effect_sizes_and_intervals_are_the_textbooks():
    rng = np.random.default_rng(3)
    a, b = rng.normal(1, 2, 14), rng.normal(0, 1, 20)
    config = CONFIG.with_(n_boot=20_000)
    d = a[:14] - b[:14]
    row = paired_row(d, config, generator(0))
    assert row["effect"] == pytest.approx(d.mean() / d.std(ddof=1) * (1 - 3 / (4 * 13 - 1)))
    t = stats.ttest_1samp(d, 0).confidence_interval()
    assert (row["low"], row["high"]) == pytest.approx((t.low, t.high), rel=0.05)
    row = independent_row(a, b, config, generator(0))
    pooled = np.sqrt((13 * a.var(ddof=1) + 19 * b.var(ddof=1)) / 32)
    assert row["effect"] == pytest.approx((a.mean() - b.mean()) / pooled * (1 - 3 / 127))
    welch = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    assert (row["low"], row["high"]) == pytest.approx((welch.low, welch.high), rel=0.06)


def test_bca_stands_beside_the_interval_from_a_hundred_people_on():
    rng = np.random.default_rng(6)
    a, b = rng.gamma(2, 1, 120), rng.gamma(2, 1, 100)
    config = CONFIG.with_(n_boot=10_000)
    for row, samples in (
        (paired_row(a[:100] - b, config, generator(0)), (a[:100] - b,)),
        (independent_row(a, b, config, generator(0)), (a, b)),
    ):
        want = stats.bootstrap(
            samples,
            lambda x, y=None, axis=-1: x.mean(axis) - (0 if y is None else y.mean(axis)),
            n_resamples=10_000,
            batch=500,
            method="BCa",
            rng=np.random.default_rng(2),
        ).confidence_interval
        width = row["high"] - row["low"]
        assert (row["bca_low"], row["bca_high"]) == pytest.approx(tuple(want), abs=0.05 * width)
    assert np.isnan(paired_row(a[:99] - b[:99], CONFIG, generator(0))["bca_low"])
    assert np.isnan(independent_row(a, b[:99], CONFIG, generator(0))["bca_low"])


def test_people_who_saw_both_are_paired(audience):
    first, second = audience.take(range(12)), audience.take(range(2, 16))
    c = contrast(first, second, ("a", "b"), "stimuli")
    assert c.paired
    assert c.first.respondents == c.second.respondents == tuple(str(i) for i in range(2, 12))
    assert c.left_out == 6


def test_mostly_different_people_are_independent_and_nobody_counts_twice(audience):
    first, second = audience.take(range(9)), audience.take(range(7, 16))
    c = contrast(first, second, ("a", "b"), "stimuli")
    assert not c.paired
    assert not set(c.first.respondents) & set(c.second.respondents)
    assert c.left_out == 2


def test_an_audience_does_not_differ_from_itself(audience):
    c = contrast(audience, audience, ("a", "b"), "stimuli")
    table = compare_metrics(c)
    assert len(table) == len(COMPARED)
    np.testing.assert_allclose(table["difference"], 0)
    assert (table["p_holm"].dropna() == 1).all()
    curves, clusters = compare_curves(c)
    assert (curves["estimate"].dropna() == 0).all()
    assert clusters.empty


def test_a_planted_difference_is_found(audience):
    corrected = audience.corrected.copy()
    corrected[:, SIGNALS.index("valence"), 60:90] += 1.0
    c = contrast(replace(audience, corrected=corrected), audience, ("a", "b"), "stimuli")
    row = compare_metrics(c).set_index(["metric", "signal"]).loc[("average", "valence")]
    assert row["difference"] == pytest.approx(0.2, abs=0.05)
    assert row["p_holm"] < 0.05
    _, clusters = compare_curves(c)
    found = clusters[(clusters["signal"] == "valence") & (clusters["p_holm"] <= 0.05)]
    assert len(found) == 1
    # Smoothing over a second lets it show up to half a second early and late.
    assert found.iloc[0][["start_s", "end_s", "sign"]].tolist() == pytest.approx(
        [12.0, 18.0, 1], abs=0.5
    )


def test_groups_are_compared_within_a_stimulus(audience):
    (one,) = contrasts({"film": replace(audience, groups=("x", "y") * 8)})
    assert one.labels == ("x", "y")
    assert not one.paired
    assert np.isnan(compare_metrics(one)["p"]).all()  # eight a side: too few to test


def test_the_mixed_model_of_two_complete_stimuli_is_the_paired_t_test():
    a = simulate_audience(15, np.random.default_rng(1), missing=False)
    b = simulate_audience(15, np.random.default_rng(2), missing=False)
    shift = np.random.default_rng(3).normal(size=15)[:, None]  # something persons keep
    for one in (a, b):
        one.corrected[:, 0] += shift
    table, fit = mixed_model({"a": a, "b": b})
    x, y = (whole_metrics(one)["average"][:, 0] for one in (a, b))
    want = stats.ttest_rel(y, x)
    row = table.iloc[1]
    assert row["estimate"] == pytest.approx((y - x).mean(), abs=1e-6)
    assert row["p"] == pytest.approx(want.pvalue, rel=0.02)
    assert (fit["recordings"], fit["respondents"]) == (30, 15)
    assert mixed_model({"a": a})[1]["status"] == "one-stimulus"
    assert mixed_sentence(mixed_model({"a": a})[1]) == ""
    assert "30 recordings of 15 respondents" in mixed_sentence(fit)


def averages(*values):
    """Audiences of one length of film each, whose averages of valence are `values` (n,)."""
    n = len(values[0])
    audiences = {}
    for k, average in enumerate(values):
        one = simulate_audience(n, np.random.default_rng(k), duration_s=2.0, missing=False)
        one.corrected[:, 0] = np.asarray(average)[:, None]
        audiences[f"film {k}"] = one
    return audiences


def test_a_mixed_model_comes_out_however_little_persons_differ():
    rng, n = np.random.default_rng(0), 24
    audiences = averages(np.zeros(n), np.zeros(n))
    zero = 0
    for icc in (0, 0.01, 0.08, 0.26):
        for _ in range(40):
            own = np.sqrt(icc) * rng.standard_normal(n)
            x, y = 0.05 * (own + np.sqrt(1 - icc) * rng.standard_normal((2, n)))
            for one, values in zip(audiences.values(), (x, y), strict=True):
                one.corrected[:, 0] = values[:, None]
            table, fit = mixed_model(audiences)
            assert (fit["recordings"], fit["respondents"]) == (48, 24)
            assert table["estimate"].to_list() == pytest.approx([x.mean(), (y - x).mean()])
            want = stats.ttest_rel(y, x)
            row = table.iloc[1]
            assert row["p"] == pytest.approx(want.pvalue, rel=0.02, abs=1e-4)
            ends = want.confidence_interval(0.95)
            assert [row["low"], row["high"]] == pytest.approx(list(ends), rel=0.02, abs=1e-4)
            alike = np.cov(x, y)[0, 1] <= 0  # persons differ less than chance would make them
            assert fit["status"] == ("within" if alike else "random")
            zero += alike
            if alike:  # the mean of one stimulus has the error of recordings that are all alike
                pooled = np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2 / n)
                half = (table["high"] - table["low"])[0] / 2
                assert half == pytest.approx(stats.t.ppf(0.975, n - 1) * pooled)
    assert 20 < zero < 100


def test_a_mixed_model_with_gaps_and_no_variance_between_persons_compares_within_them():
    rng = np.random.default_rng(2)
    x = rng.standard_normal(12)
    y, z = -x + 0.1 * rng.standard_normal((2, 12))  # who is high in one film is low in the others
    y[:2], z[2:4] = np.nan, np.nan
    table, fit = mixed_model(averages(x, y, z))
    assert fit == {"recordings": 32, "respondents": 12, "status": "within"}
    assert "estimated as 0" in mixed_sentence(fit)
    values = np.concatenate([x, y, z])
    design = np.column_stack(
        [np.tile(np.eye(12), (3, 1)), np.repeat([[0, 0], [1, 0], [0, 1]], 12, axis=0)]
    )
    known = ~np.isnan(values)
    want = OLS(values[known], design[known]).fit()
    assert table["estimate"][1:].to_list() == pytest.approx(want.params[-2:].tolist())
    assert table["p"][1:].to_list() == pytest.approx(want.pvalues[-2:].tolist())


def test_a_mixed_model_is_refused_where_nothing_varies_or_nobody_links_the_stimuli():
    flat = np.full(12, 0.3)
    assert mixed_model(averages(flat, flat))[1]["status"] == "singular"
    x = np.random.default_rng(3).standard_normal(12)
    assert mixed_model(averages(x, x + 1))[1]["status"] == "singular"
    alone = averages(x, -x, np.where(np.arange(12) < 8, x, np.nan))
    others = tuple(f"other {i}" for i in range(12))
    alone["film 2"] = replace(alone["film 2"], respondents=others)
    table, fit = mixed_model(alone)
    assert table.empty
    assert fit["status"] == "unlinked"
    assert "nobody’s recordings link all stimuli" in mixed_sentence(fit)
