"""Judging pairs: those that are alike are measured together, and each is judged as by itself."""

from compare.experiments import floors, judgement
from compare.experiments.pair import Course, train_pair
from compare.recipe.architecture import dense
from compare.recipe.orders import in_order
from compare.recipe.protocol import Protocol
from compare.recipe.streams import stream
from compare.sides.sides import initial_weights


def test_pairs_are_measured_together_where_they_are_alike(iris, monkeypatch):
    protocol, pairs = Protocol("short", 2, 32), []
    for rate in (0.1, 0.2, 0.1):
        architecture = dense((4, 3), learning_rate=rate)
        start = initial_weights(architecture, 0, "scratch")
        pairs.append(train_pair(Course(architecture, iris, protocol, in_order(2, iris.n), start)))
    sizes, real = [], floors.measure_floors

    def measure(some, *rest):
        sizes.append(len(some))
        return real(some, *rest)

    monkeypatch.setattr(floors, "measure_floors", measure)
    told = judgement.judge_pairs(pairs, [stream(number, "floor") for number in range(3)])
    assert sizes == [2, 1]
    assert [judged.verdict for judged in told] == ["parity"] * 3
    monkeypatch.setattr(floors, "TOGETHER", 1)
    assert [each.floor.weights for each in judgement.judge_pairs(pairs, [stream(n, "floor") for n in range(3)])] == [
        each.floor.weights for each in told
    ]
    assert sizes[2:] == [1, 1, 1]
