"""Nothing is lost: kill -9 a worker, or the whole run, at random moments; resume; the numbers must be the same bytes.

    python -m benchmarks.kill_and_resume [--times 20] [--replicates 300] [--workers 2] [--seed 0]

Exits with 1 if any trial ends with other numbers, or if anything unfinished looks finished. Needs `ps`.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compare.errors import InputError
from compare.experiments.unseeded import SHARD
from compare.runs.record import read

PROCEDURES = 4  # two sides, two initializers
NUMBERS = ("unseeded.parquet", "unseeded_tests.csv")


def start(out: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start the main job as a process group of its own."""
    command = [sys.executable, "-m", "compare.run_all", "--out", str(out), *options]
    return subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def workers_of(run: subprocess.Popen[bytes]) -> list[int]:
    """Return the process ids of a run's workers."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = (line.split(maxsplit=2) for line in listed.splitlines())
    return [int(pid) for pid, parent, command in rows if int(parent) == run.pid and "LokyProcess" in command]


def numbers(folder: Path) -> dict[str, bytes]:
    """Return a finished run's files of numbers."""
    return {name: (folder / name).read_bytes() for name in NUMBERS}


def shards(out: Path) -> int:
    """Return how many shards of the unfinished run lie in its folder."""
    return len(list(out.glob("*.partial/unfinished/*.parquet")))


def trial(out: Path, options: list[str], target: str, moment: float, rng: random.Random) -> tuple[Path, str]:
    """Kill once, after `moment` shards, then resume until the run is finished; return its folder and what happened."""
    run = start(out, *options)
    while run.poll() is None and shards(out) < int(moment):
        time.sleep(0.01)
    time.sleep(moment % 1 * (10 if moment < 1 else 1))  # before the first shard there are seconds of importing
    killed = f"{target} at {shards(out)} shards"
    if target == "the run":
        run.kill()
    elif alive := workers_of(run):
        os.kill(rng.choice(alive), signal.SIGKILL)
    else:
        killed += " (there was no worker)"
    run.wait()
    for _ in range(4):
        (folder,) = out.iterdir()
        if folder.suffix != ".partial":
            return folder, killed
        taken_for_whole(folder)
        planned = (folder / "unfinished" / "plan.json").exists()
        killed += f"; resumed with {shards(out)} shards" if planned else ", before it had begun; started again"
        if not planned:
            shutil.rmtree(folder)
        run = start(out, *(["--resume", str(folder)] if planned else options))
        run.wait()
    raise AssertionError(f"{out} is not finished, however often it was resumed")


def taken_for_whole(partial: Path) -> None:
    """Fail if an unfinished run can be read like a finished one."""
    try:
        read(partial)
    except InputError:
        return
    raise AssertionError(f"{partial} was taken for a whole run")


def main() -> int:
    """Run the trials and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--replicates", type=int, default=300)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    options = ["--only", "unseeded", "--protocol", "keras", "--replicates", str(asked.replicates)]
    options += ["--workers", str(asked.workers)]
    with tempfile.TemporaryDirectory() as folder:
        start(Path(folder) / "whole", *options).wait()
        expected = numbers(next((Path(folder) / "whole").iterdir()))
        same, count = 0, PROCEDURES * -(-asked.replicates // SHARD)
        for number in range(asked.times):
            target, moment = ("a worker", "the run")[number % 2], rng.uniform(0, count)
            done, told = trial(Path(folder) / str(number), options, target, moment, rng)
            equal = numbers(done) == expected
            read(done)
            same += equal
            verdict = "equal" if equal else "DIFFER"
            print(f"{number + 1:2d}: killed {told}; numbers {verdict}", flush=True)
    print(f"{same} of {asked.times} ended with the same bytes of numbers")
    return 0 if same == asked.times else 1


if __name__ == "__main__":
    sys.exit(main())
