"""What a job takes is reckoned before anything is made: of the right size, and at once, however large it is."""

import pytest

from compare.experiments.cost import of_run, of_sweep, runs
from compare.experiments.experiment import Experiment
from compare.experiments.grid import Sweep
from compare.experiments.sweep import shards
from compare.limits import LONG
from compare.work.place import Place

ONE = Place(1)


def test_the_main_job_and_the_sweep_are_as_long_as_they_were_measured(iris):
    """Half a minute, and 85 seconds on iris in one process."""
    seconds, needed = of_run(Experiment(), iris).at(ONE)
    assert 10 < seconds < 90
    assert 0.3e9 < needed < 2e9
    seconds, _ = of_sweep(Sweep(data=("iris",)), {"iris": iris}).at(ONE)
    assert 30 < seconds < LONG


def test_a_million_replicates_take_what_the_documents_say(iris):
    seconds, needed = of_run(Experiment(only=("unseeded",), replicates=10**6, protocol="article"), iris).at(ONE)
    assert 20_000 < seconds < 160_000
    assert 50e9 < needed < 200e9


@pytest.mark.parametrize("absurd", [Experiment(epochs=10**12), Experiment(replicates=10**12), Experiment(pairs=10**12)])
def test_absurd_numbers_are_absurdly_costly(iris, absurd):
    seconds, _ = of_run(absurd, iris).at(ONE)
    assert seconds > 1e9


def test_absurd_layers_and_workers_take_absurd_memory(iris):
    _, needed = of_run(Experiment(layers=(10**12, 3)), iris).at(ONE)
    assert needed > 1e15
    assert of_run(Experiment(), iris).at(Place(10**9))[1] > 1e17


def test_a_batch_that_is_larger_than_the_data_is_all_of_them(iris):
    assert of_run(Experiment(batch_size=10**12), iris) == of_run(Experiment(batch_size=iris.n), iris)


def test_on_a_cluster_only_what_comes_back_counts(iris):
    cost = of_run(Experiment(), iris)
    assert cost.at(Place(scheduler="tcp://there:1")) == (0.0, cost.kept)


def test_a_sweep_s_runs_are_counted_without_cutting_it(iris):
    sweep = Sweep(data=("iris",), replicates=7)
    assert runs(sweep) == sum(map(len, shards(sweep, {"iris": iris})))
