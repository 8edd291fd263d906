"""The bench of the water balance measures what it says, and zones together are faster than one by one."""

import pytest

from simulators.bench_balance import measure, village


@pytest.mark.alone
def test_zones_together_are_many_times_faster_than_one_by_one() -> None:
    speed = measure(zones=200, days=60)
    assert speed.one_by_one_s > 20.0 * speed.together_s
    assert (speed.ratio is None) == (speed.pyfao56_s is None)
    assert speed.pyfao56_gap_mm is None or speed.pyfao56_gap_mm < 1e-6


def test_the_village_is_a_real_load() -> None:
    result = village(50, 120, seed=2).run()
    assert result.dr_mm.shape == (120, 50)
    assert len(set(result.dr_mm[-1].tolist())) > 40  # a few stand at field capacity
    assert (result.ks < 1.0).any()
    assert (result.percolation_mm > 0.0).any()
