"""A run's folder is whole or says that it is not; what is finished is kept; every refusal is one line."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from compare.errors import InputError
from compare.experiments.experiment import Experiment
from compare.runs import provenance, recorder
from compare.runs.record import read
from compare.runs.recorder import interrupted, recording

ROOT = Path(__file__).resolve().parents[3]
TABLE = pd.DataFrame({"replicate": [0, 1], "epoch": [0, 0], "loss": [0.5, 0.25]})
EXPERIMENT = Experiment(replicates=2, only=("unseeded",))
CONFIG = asdict(EXPERIMENT)
DATA = {"iris": "abc"}
MANIFEST = {
    "kind": "run",
    "command": "keras-parity run",
    "data": {"name": "iris", "n": 150, "sha256": "abc"},
    "code": {"version": "1", "commit": None, "dirty": None},
    "env": {},
    "verdicts": {"passed": True},
}


def write(recorder):
    """Finish a small run."""
    recorder.table("numbers.parquet", TABLE)
    recorder.manifest = MANIFEST


def test_when_a_run_began_and_how_long_it_took_is_recorded(tmp_path):
    begun = datetime(2026, 11, 28, 19, 0, tzinfo=UTC)
    with recording(tmp_path, "run", begun=begun) as recorder:
        write(recorder)
    told = json.loads((recorder.finished / "manifest.json").read_text())
    assert told["begun"] == "2026-11-28T19:00:00+00:00"
    assert told["seconds"] == pytest.approx((datetime.now(UTC) - begun).total_seconds(), abs=60)


def test_how_long_a_resumed_run_took_is_not_known(tmp_path):
    folder, _ = broken_off(tmp_path)
    with recording(tmp_path, "run", resume=folder) as recorder:
        write(recorder)
    told = json.loads((recorder.finished / "manifest.json").read_text())
    assert "begun" in told
    assert "seconds" not in told


def broken_off(out, error=RuntimeError):
    """A run that is interrupted after its first shard: its partial folder, and the note that tells how to go on."""

    def run():
        with recording(out, "run") as recorder:
            recorder.begin(CONFIG, DATA)
            recorder.shards["one"] = TABLE
            raise error("broken off")

    with pytest.raises(error) as caught:
        run()
    (folder,) = out.iterdir()
    return folder, " ".join(caught.value.__notes__)


def one_line(call, *arguments):
    """The message of a refusal."""
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def resumed(folder, config=None):
    """Go on with a run, to the end."""
    with recording(folder.parent, "run", folder) as recorder:
        recorder.begin(config or CONFIG, DATA)
        assert recorder.shards["one"].equals(TABLE)
        write(recorder)


def test_a_finished_run_is_read_back(tmp_path):
    with recording(tmp_path, "run") as recorder:
        recorder.begin(CONFIG, DATA)
        recorder.shards["one"] = TABLE
        write(recorder)
    (folder,) = tmp_path.iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "numbers.parquet"]
    assert read(str(folder)).tables["numbers"].equals(TABLE)


@pytest.mark.parametrize("name", ["numbers.parquet", "manifest.json"])
def test_a_damaged_run_is_not_read(tmp_path, name):
    with recording(tmp_path, "run") as recorder:
        write(recorder)
    (folder,) = tmp_path.iterdir()
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-20])
    assert "is damaged" in one_line(read, folder)
    (folder / name).unlink()
    assert name in one_line(read, folder)


def test_another_schema_is_told_apart(tmp_path, monkeypatch):
    with recording(tmp_path, "run") as recorder:
        write(recorder)
    (folder,) = tmp_path.iterdir()
    for version, told in ((2, "update keras-parity"), (0, "run it again")):
        manifest = json.loads((folder / "manifest.json").read_text()) | {"schema_version": version}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        assert told in one_line(read, folder)


def test_without_shards_nothing_is_left_behind(tmp_path):
    def run():
        with recording(tmp_path / "a" / "b", "run") as recorder:
            recorder.begin(CONFIG, DATA)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        run()
    assert not list(tmp_path.iterdir())


def test_finished_shards_are_kept_and_the_run_goes_on(tmp_path):
    folder, note = broken_off(tmp_path)
    assert folder.suffix == ".partial"
    assert note == f"what is finished is kept: keras-parity run --resume {folder}"
    assert "a run that was not finished" in one_line(read, folder)
    assert interrupted(folder, "run", Experiment) == EXPERIMENT
    resumed(folder)
    (done,) = tmp_path.iterdir()
    assert done == folder.with_suffix("")
    assert sorted(path.name for path in done.iterdir()) == ["manifest.json", "numbers.parquet"]


def test_a_run_that_goes_on_must_be_the_same(tmp_path, monkeypatch):
    folder, _ = broken_off(tmp_path)
    assert "the config of now" in one_line(resumed, folder, {**CONFIG, "replicates": 3})
    versions = provenance.versions()
    monkeypatch.setattr(recorder, "versions", lambda: {**versions, "numpy": "1.0"})
    assert "the numpy of now" in one_line(resumed, folder)
    assert (folder / "unfinished" / "plan.json").exists()
    monkeypatch.undo()
    resumed(folder)


def test_two_processes_do_not_work_in_one_folder(tmp_path):
    folder, _ = broken_off(tmp_path)
    code = (
        "import sys; from pathlib import Path; from compare.runs.recorder import recording\n"
        "with recording(Path('unused'), 'run', Path(sys.argv[1])): print('in', flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"in\n"
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert "no process works on" in one_line(resumed, folder)
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
        other.kill()
    resumed(folder)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("shards", [True, False])
def test_a_disk_that_refuses_is_told_of_in_one_line(tmp_path, error, shards):
    def run():
        with recording(tmp_path / "results", "run") as recorder:
            recorder.begin(CONFIG, DATA)
            if shards:
                recorder.shards["one"] = TABLE
            raise OSError(error, os.strerror(error))

    line = one_line(run)
    assert line.startswith("`out` must be a folder that can be written to. Received: ")
    assert os.strerror(error) in line
    assert (tmp_path / "results").exists() == shards


def test_only_an_interrupted_run_of_the_same_kind_goes_on(tmp_path):
    folder, _ = broken_off(tmp_path)
    assert "use keras-parity run --resume" in one_line(interrupted, folder, "sweep", Experiment)
    assert "no such folder" in one_line(interrupted, tmp_path / "missing.partial", "run", Experiment)
    assert "not a run" in one_line(interrupted, tmp_path, "run", Experiment)
    (folder / "unfinished" / "plan.json").unlink()
    assert "nothing to go on with" in one_line(interrupted, folder, "run", Experiment)
    with recording(tmp_path, "run") as recorder:
        write(recorder)
    assert "(finished)" in one_line(interrupted, recorder.finished, "run", Experiment)


def test_a_data_file_of_undecodable_bytes_goes_on(tmp_path):
    folder, _ = broken_off(tmp_path)
    settings = Experiment(data="\udcff.csv", layers=(5, 3))
    plan = json.loads((folder / "unfinished" / "plan.json").read_text()) | {"config": asdict(settings)}
    (folder / "unfinished" / "plan.json").write_text(json.dumps(plan))
    assert interrupted(folder, "run", Experiment) == settings


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        ("[]", "Expected `object`, got `array`"),
        ("{}", "missing required field `schema_version`"),
        ('{"schema_version": 1, "kind": 3, "config": {}, "data": {}}', "Expected `str`, got `int`"),
        ('{"schema_version": 1, "kind": "run", "config": {"epochs": "3"}, "data": {}}', "$.epochs"),
        ('{"schema_version": 1, "kind": "run", "config": {"epochs": -3}, "data": {}}', "`epochs` must be a positive"),
        ('{"schema_version": 1, "kind": "run", "config": {"\\ud800": 1}, "data": {}}', "half a character"),
        ("[" * 5000, "nothing to go on with"),
    ],
)
def test_a_damaged_plan_is_told_of_in_one_line(tmp_path, plan, told):
    folder, _ = broken_off(tmp_path)
    (folder / "unfinished" / "plan.json").write_text(plan)
    assert told in one_line(interrupted, folder, "run", Experiment)
