"""`kill -9`: what is finished is kept, nothing unfinished passes for finished, and the numbers come out equal."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from compare.errors import InputError
from compare.runs.manifests import MANIFEST
from compare.runs.record import read
from tests.compare.work import killed

ROOT = Path(__file__).resolve().parents[3]


def start(*arguments):
    command = [sys.executable, "-m", "tests.compare.work.killed", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def alive(pid):
    state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False).stdout
    return state.strip() not in ("", "Z")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, workers):
    killed.main(str(tmp_path / "whole"), "1")
    (whole,) = (tmp_path / "whole").iterdir()
    expected = (whole / "numbers.parquet").read_bytes()
    out, kept = tmp_path / "killed", [0]
    arguments = [out, workers]
    for more in (5, 3):
        with start(*arguments) as run:
            assert run.stdout is not None
            assert run.stdout.readline() == b"begun\n"
            while len(list(out.glob("*/unfinished/*.parquet"))) < kept[-1] + more:
                time.sleep(0.005)
            run.kill()
        (partial,) = out.iterdir()
        kept.append(len(list(partial.glob("unfinished/*.parquet"))))
        with pytest.raises(InputError, match="was not finished"):
            read(partial)
        arguments = [out, workers, partial]
    assert 0 < kept[1] < kept[2] < killed.SHARDS, "both times it was killed half-way, and had gone on"
    with start(*arguments) as run:
        assert run.wait() == 0
    (done,) = out.iterdir()
    assert (done / MANIFEST).is_file()
    assert (done / "numbers.parquet").read_bytes() == expected
    patience = time.monotonic() + 2
    left = {path.name for path in (tmp_path / "pids").iterdir()} - {str(os.getpid())}
    assert len(left) >= 2 * workers
    while any(map(alive, left)) and time.monotonic() < patience:
        time.sleep(0.1)
    assert not any(map(alive, left)), "workers end with the run that they were killed with"
