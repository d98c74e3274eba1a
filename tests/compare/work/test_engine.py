"""Numbers depend on seeds alone: not on workers, shard sizes, what failed before, or what else is in the run."""

import importlib
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compare.errors import InputError
from compare.experiments import replicates, unseeded
from compare.experiments.experiment import Experiment
from compare.recipe.architecture import dense
from compare.recipe.orders import in_order
from compare.recipe.streams import children, stream
from compare.sides.models import reused_model
from compare.work.cluster import Cluster, Lost
from compare.work.companion import companion
from compare.work.engine import begin, cut, run
from compare.work.place import HERE, Place, usual_place
from tests.compare.work import slow_work as work

SEQUENCE = stream(5, "engine")
REPLICATES = 12


def trained(size, place=HERE, function=work.draw, arguments=(3,)):
    """Everything that the shards give, joined, and the failures."""
    shards = cut("some", function, arguments, SEQUENCE, REPLICATES, size)
    finished: dict[str, pd.DataFrame] = {}
    failures = run(shards, finished, place)
    kept = [finished[shard.name] for shard in shards if shard.name in finished]
    return pd.concat(kept, ignore_index=True), failures


@pytest.fixture(scope="module")
def whole():
    """What one shard gives, with SeedSequence's own spawn."""
    return work.draw(3, SEQUENCE.spawn(REPLICATES))


@given(st.integers(1, REPLICATES + 1))
def test_numbers_do_not_depend_on_how_work_is_cut(whole, size):
    pd.testing.assert_frame_equal(trained(size)[0], whole, check_exact=True)


def test_numbers_do_not_depend_on_workers(whole):
    pd.testing.assert_frame_equal(trained(5, Place(2))[0], whole, check_exact=True)


@pytest.mark.parametrize(("size", "started"), [(REPLICATES, 1), (5, 3), (1, 4)])
def test_no_more_processes_are_started_than_there_are_shards(whole, size, started, monkeypatch):
    asked = []

    @contextmanager
    def threads(number):
        asked.append(number)
        with ThreadPoolExecutor(number) as executor:
            yield executor

    monkeypatch.setattr("compare.work.engine.processes", threads)
    pd.testing.assert_frame_equal(trained(size, Place(4))[0], whole, check_exact=True)
    assert asked == [started]


@pytest.fixture(scope="module")
def cluster():
    """A Dask worker of one thread on this machine."""
    import distributed

    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as made:
        yield Place(scheduler=made.scheduler_address)


def test_numbers_do_not_depend_on_a_cluster(whole, cluster):
    table, failures = trained(5, cluster)
    pd.testing.assert_frame_equal(table, whole, check_exact=True)
    assert not failures


def test_all_work_goes_to_a_cluster_however_small_it_and_the_work_are(cluster):
    table, _ = trained(REPLICATES, cluster, work.where, (0.0,))
    assert os.getpid() not in set(table["pid"])


@contextmanager
def dying(connections, scheduler):
    """A cluster whose scheduler is lost: the first of these many times that it is connected to, after one shard."""
    connections.append(scheduler)
    with ThreadPoolExecutor(1) as executor:
        asked = iter([1])

        def workers():
            if len(connections) == 1 and next(asked, None) is None:
                raise Lost("which answers no more")
            return 1

        yield SimpleNamespace(executor=executor, workers=workers)


def test_a_scheduler_that_is_lost_is_told_of_and_its_shards_are_run_again(whole, monkeypatch, capsys):
    connections: list[str] = []
    monkeypatch.setattr("compare.work.engine.connected", partial(dying, connections))
    table, failures = trained(3, Place(scheduler="tcp://there:1"))
    pd.testing.assert_frame_equal(table, whole, check_exact=True)
    assert not failures
    assert len(connections) == 2
    told = "Received: tcp://there:1, which answers no more; what is left is run again\n"
    assert capsys.readouterr().err.endswith(told)


@pytest.mark.parametrize(
    ("client", "told"),
    [
        (SimpleNamespace(status="closed"), "which answers no more"),
        (
            SimpleNamespace(status="running", scheduler_info=lambda n_workers: {"workers": {}}),
            "which has had no worker",
        ),
    ],
)
def test_a_cluster_without_scheduler_or_workers_is_lost(monkeypatch, client, told):
    monkeypatch.setattr("compare.work.cluster.LOST_WORKERS", -1.0)
    client.get_executor = lambda pure: None
    with pytest.raises(Lost, match=told):
        Cluster(client).workers()


def test_whoever_only_listens_is_no_scheduler(monkeypatch):
    monkeypatch.setattr("compare.work.cluster.ANSWER", 0.2)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(InputError, match=r"`scheduler` must be.*timed"),
    ):
        trained(5, Place(scheduler=f"127.0.0.1:{silent.getsockname()[1]}"))


def test_failures_come_back_from_a_cluster(cluster):
    _, (failure,) = trained(5, cluster, work.fail_at, (3, 7, ""))
    assert "ArithmeticError: replicate 7 is broken" in failure.traceback


def test_a_cluster_that_loses_a_worker_loses_nothing_else(whole, cluster, tmp_path):
    table, failures = trained(5, cluster, work.die_at, (3, 7, str(tmp_path / "died")))
    pd.testing.assert_frame_equal(table, whole, check_exact=True)
    assert not failures


def test_a_cluster_with_other_versions_is_refused(cluster, monkeypatch):
    monkeypatch.setattr("compare.runs.provenance.versions", lambda: {"numpy": str(os.getpid())})
    with pytest.raises(InputError, match=r"must have workers with the versions used here\. Received: numpy"):
        trained(5, cluster)


def test_a_cluster_that_lacks_the_package_is_refused(cluster, monkeypatch, tmp_path):
    (tmp_path / "only_here.py").write_text("def versions():\n    return {}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("compare.runs.provenance.versions", importlib.import_module("only_here").versions)
    with pytest.raises(InputError, match=r"must have workers that have keras-parity as it is here.*No module named"):
        trained(5, cluster)


@pytest.mark.parametrize("side", ["scratch", "keras"])
@pytest.mark.parametrize("protocol", ["article", "keras"])
def test_trained_numbers_are_the_same_bit_for_bit_however_cut(iris, side, protocol):
    experiment = Experiment(epochs=3, protocol=protocol, replicates=5)
    (procedure,) = [
        each for each in unseeded.procedures(experiment) if each.side == side and each.initializer == "glorot_uniform"
    ]
    sequence = replicates.procedure_stream(0, procedure)
    tables = []
    for size in (5, 2, 1):
        shards = cut(
            "p",
            replicates.replicate_table,
            (experiment.architecture(iris), iris, procedure, False),
            sequence,
            5,
            size,
        )
        tables.append(pd.concat([shard.run() for shard in shards], ignore_index=True))
    assert tables[0].groupby("replicate")["loss"].first().nunique() == 5, "replicates differ"
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0], check_exact=True)


def test_a_reused_model_trains_as_a_new_one_at_any_learning_rate(iris):
    from keras_ref import build_model, draw_weights, fit_compiled

    start, orders = draw_weights(4, (5, 3), 1, dtype="float64"), in_order(3, iris.n)

    def losses(model):
        model.set_weights(start)
        return fit_compiled(model, iris.X, iris.y, 3, None, orders).loss.tolist()

    fast, slow = (losses(reused_model(dense((4, 5, 3), learning_rate=rate))) for rate in (0.3, 0.1))
    assert fast != slow
    assert slow == losses(build_model(4, (5, 3), 0.1, "float64"))


def until_begun(begun):
    """Wait until the companion has done something, or is lost."""
    while begun.given.empty():
        time.sleep(0.01)


def with_companion(size, function=work.draw, arguments=(3,), meanwhile=lambda begun: None):
    """As `trained`, after a companion has begun."""
    shards = cut("some", function, arguments, SEQUENCE, REPLICATES, size)
    finished = {shards[1].name: shards[1].run()}
    with companion(wanted=True) as beside:
        begun = begin(shards, finished, beside)
        meanwhile(begun)
        failures = run(shards, finished, begun=begun)
    return pd.concat([finished[shard.name] for shard in shards if shard.name in finished], ignore_index=True), failures


def test_numbers_do_not_depend_on_a_companion(whole):
    table, failures = with_companion(1, meanwhile=until_begun)
    pd.testing.assert_frame_equal(table, whole, check_exact=True)
    assert not failures


def test_a_companion_and_this_process_share_the_work():
    """It takes shards from the start, this process from the end; nothing is run twice."""
    table, _ = with_companion(1, work.where, (0.2,), until_begun)
    others, ours = (table.loc[table["pid"].eq(os.getpid()) == here, "replicate"] for here in (False, True))
    assert table["replicate"].tolist() == list(range(REPLICATES))
    assert 0 in set(others)
    assert REPLICATES - 1 in set(ours)


def test_a_companion_that_is_killed_loses_nothing(whole, tmp_path):
    table, failures = with_companion(3, work.die_at, (3, 1, str(tmp_path / "died")), until_begun)
    pd.testing.assert_frame_equal(table, whole, check_exact=True)
    assert not failures


def test_a_failure_in_a_companion_is_reported():
    table, (failure,) = with_companion(3, work.fail_at, (3, 1, ""), until_begun)
    assert sorted(table["replicate"].unique()) == list(range(3, REPLICATES))
    assert "ArithmeticError: replicate 1 is broken" in failure.traceback


def test_what_is_finished_is_not_run_again():
    shards = cut("some", work.fail_at, (3, 7, ""), SEQUENCE, REPLICATES, 5)
    finished = {shards[1].name: work.draw(3, SEQUENCE.spawn(5))}
    done: list[int] = []
    assert run(shards, finished, advance=done.append) == []
    assert list(finished) == [shards[1].name, shards[0].name, shards[2].name]
    assert done == [5, 5, 2]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failing_shard_is_reported_and_the_rest_completes(whole, workers):
    table, (failure,) = trained(5, Place(workers), work.fail_at, (3, 7, ""))
    assert table["replicate"].unique().tolist() == [0, 1, 2, 3, 4, 10, 11]
    assert np.array_equal(table["loss"], whole[~whole["replicate"].between(5, 9)]["loss"])
    told = failure.record()
    assert told["replicates"] == [5, 10]
    assert "ArithmeticError: replicate 7 is broken" in told["traceback"]
    again = np.random.SeedSequence(told["seeds"]["entropy"], spawn_key=told["seeds"]["spawn_key"])
    same = children(again, *told["replicates"])
    assert np.array_equal(work.draw(3, same)["loss"], whole[whole["replicate"].between(5, 9)]["loss"])


def test_a_shard_that_fails_once_is_run_again(whole, tmp_path):
    table, failures = trained(5, function=work.fail_at, arguments=(3, 7, str(tmp_path / "failed")))
    assert failures == []
    expected = whole.set_index(["replicate", "epoch"])
    assert table.set_index(["replicate", "epoch"]).sort_index().equals(expected)


def test_a_worker_that_is_killed_loses_nothing(whole, tmp_path):
    table, failures = trained(3, Place(2), work.die_at, (3, 7, str(tmp_path / "died")))
    assert failures == []
    pd.testing.assert_frame_equal(table, whole, check_exact=True)


def test_workers_that_keep_dying_are_told_of_in_one_line():
    with pytest.raises(InputError, match=r"`workers` must live until they are done\. Received: 2") as caught:
        trained(3, Place(2), work.die_at, (3, 7, ""))
    assert "\n" not in str(caught.value)


def test_a_scheduler_that_does_not_answer_is_told_of_in_one_line(monkeypatch):
    monkeypatch.setattr("compare.work.cluster.ANSWER", 0.3)
    with pytest.raises(InputError, match="`scheduler` must be the address of a running Dask scheduler") as caught:
        trained(5, Place(scheduler="tcp://127.0.0.1:9"))
    assert "\n" not in str(caught.value)


def test_processes_are_started_where_they_pay(monkeypatch):
    monkeypatch.setattr("compare.work.place.cpu_count", lambda: 4)
    assert [usual_place(replicates).workers for replicates in (1, 300, 1000, 1500, 1_000_000)] == [1, 1, 1, 3, 4]
    assert [usual_place(replicates).companion for replicates in (1, 300, 1000, 1500)] == [False, True, True, False]
    assert not usual_place(300, workers=1).companion, "one process was asked for"
    monkeypatch.setattr("compare.work.place.cpu_count", lambda: 1)
    assert usual_place(300) == HERE


def test_a_place_without_workers_is_refused():
    with pytest.raises(InputError, match=r"`workers` must be a positive integer\. Received: 0"):
        Place(0)
