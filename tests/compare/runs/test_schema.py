"""A run's folder that holds something else than it declares is told of in one line, whatever it holds."""

import hashlib
import json
import os
import shutil

import pandas as pd
import pytest

from compare.commands.app import main
from compare.errors import InputError
from compare.runs import manifests
from compare.runs.manifests import MANIFEST
from compare.runs.record import read
from tests.compare.runs.made_run import made_check, made_run, made_sweep


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    return {
        "run": made_run(out, ("article", "matched")).folder,
        "check": made_check(out).folder,
        "sweep": made_sweep(out).folder,
    }


@pytest.fixture
def copied(folders, tmp_path):
    def copy(kind):
        return shutil.copytree(folders[kind], tmp_path / folders[kind].name)

    return copy


def rewritten(folder, change):
    """Write a manifest again, changed, with the checksums of the files as they are now."""
    values = json.loads((folder / MANIFEST).read_text())
    for name in values["files"]:
        values["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    change(values)
    (folder / MANIFEST).write_text(json.dumps(values))


def refused(folder):
    with pytest.raises(InputError) as caught:
        read(folder)
    assert "`run` is damaged: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    return str(caught.value)


def every_key(values, path=()):
    """The path of every key, however deep."""
    for key, value in values.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from every_key(value, (*path, key))


def at(values, path):
    for key in path:
        values = values[key]
    return values


@pytest.mark.parametrize("kind", ["run", "check", "sweep"])
def test_what_is_read_of_a_manifest_is_declared(copied, tmp_path, kind, capsys):
    """Without a key, or with a list in its place, a folder is refused, or everything that shows it goes without."""
    folder = copied(kind)
    whole = json.loads((folder / MANIFEST).read_text())
    paths = list(every_key({key: of for key, of in whole.items() if key not in ("files", "sources")}))
    for path in paths:
        for damage in ("missing", "other"):
            values = json.loads(json.dumps(whole))
            holder = at(values, path[:-1])
            if damage == "missing":
                del holder[path[-1]]
            else:
                holder[path[-1]] = [[None]]
            (folder / MANIFEST).write_text(json.dumps(values))
            assert main(["show", str(folder)]) in (0, 2), path
            told = capsys.readouterr().err
            assert told.count("\n") <= 1
            assert "telling failed" not in told, path
    assert len(paths) > 15


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda values: values.pop("command"), "missing required field `command`"),
        (lambda values: values.update(kind="other"), "kind must be one of run, sweep, check, class, report"),
        (lambda values: values.update(data=3), "Expected `object`, got `int` - at `$.data`"),
        (lambda values: values["data"].update(name="x" * 5000), "length <= 1000"),
        (lambda values: values.update(verdicts={}), "`passed`"),
        (lambda values: values.update(files={"../x.csv": "0"}), "../x.csv is missing"),
    ],
)
def test_a_manifest_of_something_else_is_refused(copied, change, told):
    folder = copied("run")
    rewritten(folder, change)
    assert told in refused(folder)


@pytest.mark.parametrize("text", ["", "null", "[]", "{" * 5000, "[" * 100_000, '{"schema_version": 1' + " " * 9, "\0"])
def test_a_manifest_that_is_none_is_refused(copied, text):
    folder = copied("run")
    (folder / MANIFEST).write_text(text)
    assert "manifest.json cannot be read" in refused(folder)


def test_a_pipe_in_the_place_of_a_manifest_is_not_waited_for(copied):
    folder = copied("run")
    (folder / MANIFEST).unlink()
    os.mkfifo(folder / MANIFEST)
    with pytest.raises(InputError, match=r"no manifest.json in it"):
        read(folder)
    with pytest.raises(InputError, match=r"its manifest.json cannot be read"):
        manifests.read(folder)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("parity.csv", b"", "parity.csv is no table"),
        ("parity.csv", b"what\nloss\n", "the table parity has no column protocol"),
        ("pairs.csv", b"\xff\xfe\x00", "pairs.csv is no table"),
        ("trajectories.parquet", b"PAR1", "trajectories.parquet is no table"),
        ("article_table.csv", b"epoch,published_loss\n", "the table article_table is empty"),
    ],
)
def test_a_table_of_something_else_is_refused_though_its_checksum_is_right(copied, name, content, told):
    folder = copied("run")
    (folder / name).write_bytes(content)
    rewritten(folder, lambda values: None)
    assert told in refused(folder)


def test_a_column_of_something_else_is_refused(copied):
    folder = copied("run")
    table = pd.read_parquet(folder / "trajectories.parquet")
    table.assign(side="neither").to_parquet(folder / "trajectories.parquet")
    rewritten(folder, lambda values: None)
    assert "in its column side: Invalid enum value 'neither'" in refused(folder)
    table.assign(epoch=-1).to_parquet(folder / "trajectories.parquet")
    rewritten(folder, lambda values: None)
    assert "in its column epoch: Expected `int` >= 0" in refused(folder)


def test_a_missing_table_is_told_by_what_was_compared(copied):
    folder = copied("run")
    rewritten(folder, lambda values: values["files"].pop("pairs.csv"))
    assert "the table pairs is missing" in refused(folder)


def test_a_text_that_looks_like_a_number_is_text(copied):
    folder = copied("sweep")
    assert set(read(folder).tables["sweep"]["layers"]) == {"5"}
