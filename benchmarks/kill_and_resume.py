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
from compare.record import read

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


def trial(out: Path, options: list[str], target: str, delay: float, rng: random.Random) -> tuple[Path, str]:
    """Kill once, then resume until the run is finished; return its folder and what happened."""
    run = start(out, *options)
    time.sleep(delay)
    killed = target
    if target == "the run":
        run.kill()
    elif alive := workers_of(run):
        os.kill(rng.choice(alive), signal.SIGKILL)
    else:
        killed = "nothing (no worker yet, or no more)"
    run.wait()
    for _ in range(4):
        (folder,) = out.iterdir()
        if folder.suffix != ".partial":
            return folder, killed
        taken_for_whole(folder)
        planned = (folder / "unfinished" / "plan.json").exists()
        kept = len(list(folder.glob("unfinished/*.parquet")))
        killed += f"; resumed with {kept} shards" if planned else ", before it had begun; started again"
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
        began = time.monotonic()
        start(Path(folder) / "whole", *options).wait()
        duration = time.monotonic() - began
        expected = numbers(next((Path(folder) / "whole").iterdir()))
        print(f"never killed: {duration:.0f} s")
        same = 0
        for number in range(asked.times):
            target, delay = ("a worker", "the run")[number % 2], rng.uniform(0.2, 1) * duration
            done, told = trial(Path(folder) / str(number), options, target, delay, rng)
            equal = numbers(done) == expected
            read(done)
            same += equal
            verdict = "equal" if equal else "DIFFER"
            print(f"{number + 1:2d}: after {delay:4.1f} s, killed {told}; numbers {verdict}", flush=True)
    print(f"{same} of {asked.times} ended with the same bytes of numbers")
    return 0 if same == asked.times else 1


if __name__ == "__main__":
    sys.exit(main())
