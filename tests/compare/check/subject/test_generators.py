"""Generators that a user's module keeps are as they were after each task, and further on under another seed."""

import random

import numpy as np

from compare.check.subject.generators import generators_kept

OF_MODULE = np.random.default_rng(3)
OLD = np.random.RandomState(3)
PYTHON = random.Random(3)


class Net:
    rng = np.random.default_rng(4)

    def drawn(self, rng=np.random.default_rng(5)):  # noqa: B008
        return rng.random()


def drawn():
    return [OF_MODULE.random(), OLD.random(), PYTHON.random(), Net.rng.random(), Net().drawn()]


def test_each_time_the_same_is_drawn():
    times = []
    for _ in range(3):
        with generators_kept(0):
            times.append(drawn())
    assert times[0] == times[1] == times[2]
    assert drawn() == times[0]


def test_with_another_seed_other_numbers_are_drawn_and_all_is_put_back():
    with generators_kept(0):
        first, second = drawn(), drawn()
    with generators_kept(1):
        further = drawn()
    assert further == second
    with generators_kept(0):
        assert drawn() == first
