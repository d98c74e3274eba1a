"""A finished run is drawn again from its files alone; a folder that is not one is refused in one line."""

import hashlib
import json
import shutil

import pytest

from compare.commands.app import main


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("results")
    arguments = ["--epochs", "2", "--pairs", "1", "--layers", "3", "--only", "matched", "--dtype", "float64"]
    assert main(["run", *arguments, "--out", str(out)]) == 0
    return next(out.iterdir())


@pytest.fixture
def copied(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "0001-run-copied")


def checksums(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_a_run_is_drawn_again_into_a_folder_of_its_own(finished, tmp_path):
    before = checksums(finished)
    assert main(["report", str(finished), "--out", str(tmp_path)]) == 0
    assert checksums(finished) == before
    again = checksums(next(tmp_path.iterdir()))
    assert {name: again[name] for name in again if name.endswith((".svg", ".html"))} == {
        name: before[name] for name in before if name.endswith((".svg", ".html"))
    }


def newer(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 99}))


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (newer, "schema 99"),
        (lambda folder: (folder / "manifest.json").unlink(), "manifest.json"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "damaged"),
        (lambda folder: (folder / "parity.csv").unlink(), "parity.csv is missing"),
        (lambda folder: (folder / "parity.csv").write_text("what\n"), "parity.csv is not as it was written"),
        (lambda folder: shutil.rmtree(folder), "0001-run-copied"),
    ],
    ids=["newer", "not a run", "cut short", "another", "missing", "changed", "gone"],
)
def test_a_folder_that_is_no_whole_run_is_refused(copied, tmp_path, capsys, harm, told):
    harm(copied)
    out = tmp_path / "out"
    assert main(["report", str(copied), "--out", str(out)]) == 2
    line = capsys.readouterr().err
    assert told in line
    assert line.count("\n") == 1
    assert not out.exists()
