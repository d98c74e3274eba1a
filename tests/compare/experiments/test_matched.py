"""The matched experiment, whole but small; and that it fails when one side is tampered with."""

import numpy as np
import pytest

import keras_ref
from compare.agreement import tolerance
from compare.data.dataset import load
from compare.experiments import floors, judgement
from compare.experiments.experiment import Experiment
from compare.experiments.floors import FLOOR_RUNS
from compare.experiments.matched import run_matched
from compare.experiments.part import Status
from compare.recipe.architecture import dense
from compare.sides import sides
from compare.sides.sides import initial_weights
from scratch_nn import Network

SMALL = Experiment(epochs=3, pairs=2, layers=(5, 3))


@pytest.fixture(scope="module")
def found(iris):
    return run_matched(SMALL, iris)


def test_every_pair_is_within_tolerance(found):
    assert found.status == Status.YES
    assert len(found.parity[found.parity["what"] == "loss"]) == 2 * 2 * 2 * 2


@pytest.mark.parametrize(
    ("data", "settings"),
    [
        ("breast_cancer", {"output": "sigmoid", "optimizer": "adam", "layers": (5, 1)}),
        ("diabetes", {"optimizer": "sgd(momentum=0.9)", "l2": 0.01, "layers": (5, 1)}),
        ("iris", {"loss": "mse", "bias": False, "optimizer": "rmsprop", "layers": (5, 3)}),
    ],
)
def test_other_objectives_are_within_tolerance_too(data, settings):
    small = Experiment(epochs=2, pairs=1, protocol="keras", **settings)
    found = run_matched(small, load(data, standardise=True, values=True))
    assert found.status == Status.YES, found.parity.query("not passed")
    assert (found.parity.query("what == 'fit = compiled'")["largest"] == 0).all()


def test_every_tensor_of_the_weights_is_judged(found):
    one = found.parity.query("what == 'weights' and protocol == 'keras' and dtype == 'float64'")
    tensors = one.groupby(["drawn_by", "replicate"])[["layer", "tensor"]].agg(list)
    assert tensors["layer"].tolist() == [[1, 1, 2, 2]] * 4
    assert tensors["tensor"].tolist() == [["kernel", "bias"] * 2] * 4


def test_fit_and_the_compiled_run_are_bit_equal(found):
    same = found.parity[found.parity["what"] == "fit = compiled"]
    assert set(same["tensor"]) == {"loss", "accuracy", "weights"}
    assert (same["largest"] == 0).all()


def test_each_sides_speed_is_noted_for_every_protocol_and_dtype(found):
    told = {(each["protocol"], each["dtype"], each["side"]): each["microseconds"] for each in found.speed}
    assert len(told) == len(found.speed) == 2 * 2 * 2
    assert min(told.values()) > 0


def test_the_tables_are_tidy(found):
    keys = ["protocol", "dtype", "drawn_by", "side", "replicate", "epoch"]
    assert not found.trajectories.duplicated(keys).any()
    assert len(found.trajectories) == 2 * len(found.floor) == 2 * 2 * 2 * 2 * 2 * 3
    assert set(found.trajectories["side"]) == {"scratch", "keras"}


def test_pairs_and_starts_differ(found):
    first = found.trajectories.query("epoch == 0 and side == 'scratch' and dtype == 'float64'")
    assert first["loss"].nunique() == len(first) == 8


def test_an_update_that_is_off_by_a_billionth_fails(iris, monkeypatch):
    class Off(Network):
        def update(self):
            self.gradient *= 1 + 1e-9
            super().update()

    monkeypatch.setattr(sides, "Network", Off)
    found = run_matched(Experiment(epochs=3, pairs=1, layers=(5, 3), dtype="float64"), iris)
    assert found.status == Status.NO
    assert not found.parity.query("what == 'loss'")["passed"].any()


def test_a_compiled_run_that_is_one_ulp_off_fit_fails(iris, monkeypatch):
    real = keras_ref.fit

    def off(*arguments):
        history = real(*arguments)
        return history._replace(loss=np.nextafter(history.loss, 2))

    monkeypatch.setattr(keras_ref, "fit", off)
    found = run_matched(Experiment(epochs=2, pairs=1, layers=(3,), dtype="float64", protocol="article"), iris)
    assert set(found.parity.loc[~found.parity["passed"], "what"]) == {"fit = compiled"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_either_side_draws_the_weights(dtype):
    architecture = dense((4, 6, 3), dtype=dtype)
    scratch, keras = (initial_weights(architecture, 99, side) for side in ("scratch", "keras"))
    rng = np.random.RandomState(99)
    assert np.array_equal(scratch[0].T, rng.uniform(-1, 1, (6, 4)).astype(dtype)), "the article's stream"
    assert [tensor.shape for tensor in keras] == [tensor.shape for tensor in scratch]
    assert {tensor.dtype for tensor in scratch + keras} == {np.dtype(dtype)}
    assert np.abs(keras[0]).max() <= np.sqrt(6 / 10)


def test_a_finer_floor_does_not_excuse_a_fault(iris, monkeypatch):
    measured = []
    real = floors.measure_floors

    def measure(pairs, sequences, runs=FLOOR_RUNS):
        measured.append((len(pairs), runs))
        return real(pairs, sequences, runs)

    class Off(Network):
        def update(self):
            self.gradient *= 1.001
            super().update()

    monkeypatch.setattr(floors, "measure_floors", measure)
    monkeypatch.setattr(sides, "Network", Off)
    found = run_matched(Experiment(epochs=2, pairs=1, layers=(3,), dtype="float64", protocol="article"), iris)
    assert measured == [(1, FLOOR_RUNS), (1, judgement.FINE_FLOOR_RUNS)] * 2, "each pair is measured twice"
    assert found.status == Status.NO


def test_what_is_not_finite_from_the_first_epoch_is_undecidable(iris):
    experiment = Experiment(
        epochs=4, learning_rate=1e30, pairs=1, layers=(5, 3), dtype="float32", protocol="keras", batch_size=32
    )
    found = run_matched(experiment, iris)
    assert (found.pairs["decided"] == 0).any()
    assert set(found.pairs.loc[found.pairs["decided"] == 0, "verdict"]) == {"undecidable"}
    assert found.status == Status.UNDECIDABLE


def test_a_run_in_which_a_fault_would_not_show_is_undecidable(iris, monkeypatch):
    """Rounding drifts by less than is too loose, and by more than a learning rate that is 0.1 % off."""
    real = floors.measure_floors

    def drifting(*arguments):
        (floor,) = real(*arguments)
        return [floor._replace(loss=floor.loss + 9e-5, weights=[9e-5 for _ in floor.weights])]

    experiment = Experiment(epochs=2, pairs=1, layers=(5, 3), dtype="float64", protocol="article")
    assert run_matched(experiment, iris).status == Status.YES
    monkeypatch.setattr(floors, "measure_floors", drifting)
    found = run_matched(experiment, iris)
    assert found.parity["passed"].all()
    assert found.pairs["decided"].tolist() == [2, 2]
    assert found.status == Status.UNDECIDABLE


def test_a_run_is_judged_as_far_as_it_can_be_decided(iris, monkeypatch):
    experiment = Experiment(epochs=4, pairs=1, layers=(5, 3), dtype="float64", protocol="keras")
    monkeypatch.setattr(tolerance, "judged_upto", lambda *_: 2)
    found = run_matched(experiment, iris)
    assert found.pairs["decided"].tolist() == [2, 2]
    assert found.pairs["verdict"].tolist() == ["parity in part"] * 2, "what was not decided is never plain parity"

    class Late(Network):
        def train(self, X, y, epochs, *rest):
            super().train(X, y, epochs, *rest)
            self.loss[..., 2:] += 1.0

    monkeypatch.setattr(sides, "Network", Late)
    assert run_matched(experiment, iris).status == Status.YES
    monkeypatch.setattr(tolerance, "judged_upto", lambda *_: 3)
    assert run_matched(experiment, iris).status == Status.NO


@pytest.mark.parametrize(("upto", "verdict"), [(4, "parity"), (3, "parity in part"), (1, "undecidable")])
def test_a_run_of_which_less_than_half_can_be_decided_is_undecidable(iris, monkeypatch, upto, verdict):
    monkeypatch.setattr(tolerance, "judged_upto", lambda *_: upto)
    found = run_matched(Experiment(epochs=4, pairs=1, layers=(5, 3), dtype="float64", protocol="keras"), iris)
    assert found.parity["passed"].all()
    assert found.pairs["verdict"].tolist() == [verdict] * 2
    assert found.status == (Status.UNDECIDABLE if verdict == "undecidable" else Status.YES)
