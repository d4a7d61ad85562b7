import numpy as np

from fer_nb.media.clock import Clock, lost_between


def times(stamps, step_s=0.04, start_s=0.0):
    clock = Clock(step_s, start_s)
    read = [time_s for time_s, _ in clock.times((stamp, None) for stamp in stamps)]
    return np.round(read, 3).tolist(), clock


STEADY = np.round(np.arange(30) / 25, 3)


def test_good_stamps_are_kept_as_they_are():
    paused = [0, 0.04, 0.2, 20.0, 20.04, 4000.0]
    assert times(paused)[0] == paused
    read, clock = times(STEADY)
    assert read == STEADY.tolist()
    assert (clock.joints, clock.misdated) == ([], 0)


def test_without_stamps_the_frame_rate_counts():
    assert times([None] * 4)[0] == [0, 0.04, 0.08, 0.12]
    assert times([0, None, 0.2, None])[0] == [0, 0.04, 0.2, 0.36]


def test_a_clock_that_begins_again_goes_on():
    read, clock = times([*STEADY, *STEADY, *STEADY])
    np.testing.assert_allclose(read, np.arange(90) / 25, atol=2e-3)
    np.testing.assert_allclose(clock.joints, [1.2, 2.4])
    assert clock.misdated == 0


def test_single_wrong_stamps_move_nothing_else():
    for wrong in (-0.96, 0.2, 2.9, 10_578.0):
        stamps = STEADY.copy()
        stamps[12] = wrong
        read, clock = times(stamps)
        assert read == [*STEADY[:12], STEADY[11], *STEADY[13:]]
        assert (clock.joints, clock.misdated) == ([], 1)


def test_a_wrong_stamp_at_the_end_is_no_joint():
    read, clock = times([*STEADY, 0.3])
    assert read[-1] == STEADY[-1]
    assert (clock.joints, clock.misdated) == ([], 1)


def test_after_a_seek_the_first_stamp_sets_the_clock():
    read, _ = times([None, 7.0, 7.04], start_s=np.nan)
    assert np.isnan(read[0])
    assert read[1:] == [7.0, 7.04]


def test_lost_frames_are_counted_only_at_a_constant_rate():
    assert lost_between(np.delete(STEADY, [5, 6, 7, 20])) == 4
    assert lost_between(STEADY) == 0
    assert lost_between(np.cumsum(np.tile([0.03, 0.05, 0.12], 10))) == 0
    assert lost_between(STEADY[:1]) == 0
