"""The unseeded experiment: what it compares, that sides draw apart, and what happens to shards that fail."""

import json
from dataclasses import replace

import numpy as np
import pytest

from compare.commands.app import main
from compare.errors import InputError
from compare.experiments import populations
from compare.experiments.experiment import Experiment
from compare.experiments.replicates import replicate_table
from compare.experiments.unseeded import procedures, run_unseeded, settings

SMALL = Experiment(epochs=3, protocol="keras", replicates=12, only=("unseeded",))


def failing(*names):
    """`replicate_table`, but the first shards of these sides fail."""

    def table(architecture, dataset, procedure, plain_fit, seeds):
        if procedure.side in names and procedure.initializer == "uniform" and seeds[0].spawn_key[-1] < 8:
            raise ArithmeticError("broken")
        return replicate_table(architecture, dataset, procedure, plain_fit, seeds)

    return table


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(populations, "SHARD", 4)


def test_the_article_is_compared_as_published_and_like_for_like():
    published, *alike = settings(Experiment())
    assert (published.scratch.initializer, published.scratch.protocol.name) == ("uniform", "article")
    assert (published.keras.initializer, published.keras.protocol.name) == ("glorot_uniform", "keras")
    for setting in alike:
        assert setting.scratch.initializer == setting.keras.initializer
        assert setting.scratch.protocol == setting.keras.protocol
    assert len(procedures(Experiment())) == 5, "Keras's published runs serve like for like too"


def test_every_replicate_of_every_procedure_is_its_own(iris):
    found = run_unseeded(SMALL, iris).trajectories
    assert len(found) == 4 * 12 * 3
    first = found[found["epoch"] == 0]
    assert first["loss"].nunique() > 0.9 * len(first)
    assert first.groupby(["side", "initializer"])["replicate"].apply(list).map(lambda each: each == [*range(12)]).all()


def test_every_replicate_begins_with_an_optimizer_of_its_own(iris):
    """Else the shards would show, and what trains them."""
    adam = replace(SMALL, replicates=4, optimizer="adam(learning_rate=0.01)", loss="mse", bias=False)
    runs = [run_unseeded(replace(adam, keras_fit=fit), iris).trajectories for fit in (False, True)]
    np.testing.assert_array_equal(runs[0]["loss"], runs[1]["loss"])


def test_failed_shards_are_missing_and_the_rest_is_compared(iris, monkeypatch):
    whole = run_unseeded(SMALL, iris)
    monkeypatch.setattr(populations, "replicate_table", failing("scratch"))
    found = run_unseeded(SMALL, iris)
    assert [failure.shard.start for failure in found.failures] == [0, 4]
    assert found.comparisons["like for like, uniform"].failures.replicates == (4, 12)
    assert found.comparisons["like for like, glorot_uniform"].failures.replicates == (12, 12)
    both = whole.trajectories.merge(found.trajectories, how="left", indicator=True)
    lost = both[both["_merge"] == "left_only"]
    assert len(lost) == 8 * 3
    assert set(lost["replicate"]) == set(range(8)), "the replicates that are left keep their numbers"


def test_a_run_with_failed_shards_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(populations, "replicate_table", failing("scratch"))
    arguments = ["--only", "unseeded", "--protocol", "keras", "--epochs", "3", "--replicates", "12"]
    assert main(["run", *arguments, "--out", str(tmp_path)]) == 0
    assert "without 8 replicates that failed" in " ".join(capsys.readouterr().out.split())
    manifest = json.loads((next(tmp_path.iterdir()) / "manifest.json").read_text())
    assert manifest["missing"] == 8
    assert ["ArithmeticError: broken" in each["traceback"] for each in manifest["failures"]] == [True, True]


def test_too_few_replicates_to_compare_are_refused_in_one_line(iris, monkeypatch):
    monkeypatch.setattr(populations, "replicate_table", failing("scratch"))
    monkeypatch.setattr(populations, "SHARD", 12)
    with pytest.raises(InputError, match="`replicates` must leave at least 2 of each procedure") as caught:
        run_unseeded(SMALL, iris)
    assert "the last error: ArithmeticError: broken" in str(caught.value)
    assert "\n" not in str(caught.value)
