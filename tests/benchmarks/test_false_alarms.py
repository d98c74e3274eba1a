"""A small sample of the 300 correct subjects that the benchmark checks."""

import numpy as np
import pytest

from benchmarks.false_alarms import check_case, draw_case


@pytest.mark.parametrize("seed", range(3))
def test_correct_subjects_are_not_called_faulty(seed):
    case = draw_case(np.random.default_rng(seed))
    report = check_case(case, steps=2)
    assert report.passed, f"{case}\n{report}"
