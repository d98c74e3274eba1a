from functools import partial

from benchmarks import measures, timing


def test_contestants_take_turns_and_the_first_call_does_not_count():
    calls: list[str] = []
    seconds = timing.interleaved({name: partial(calls.append, name) for name in "ab"}, 3)
    assert calls == list("ab" * 4)
    assert [len(times) for times in seconds.values()] == [3, 3]


def test_a_ratio_is_of_the_least_times_for_each_unit_of_work(monkeypatch):
    clock = iter([0.0, 2.0, 0.0, 8.0, 0.0, 1.0, 0.0, 16.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    ours, rival = (measures.Contestant(lambda: None, work) for work in (2, 4))
    (measure,) = measures.compare("step", "us", ours, {"peer": (rival, 0.25)}, 2)
    # Ours 2 and 1 s for 2 units, the rival 8 and 16 s for 4: 1 and 0.5 against 2 and 4.
    assert measure == measures.Measure("step", "peer", "us", 0.5e6, 2e6, 0.25, (0.5 + 0.125) / 2, 0.25)
    assert measure.met
    assert not measure._replace(ratio=0.26).met
