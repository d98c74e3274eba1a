"""What workers bring: one sweep in one process, in two worker processes, and on a local Dask cluster of two.

    python -m benchmarks.workers [--repeat 1] [--data iris wine]

The numbers must be the same bytes everywhere. Two workers must be at least 1.7 times as fast as one, and Dask within
1.25 of joblib's own processes. Run it on an otherwise idle machine with two cores; it exits with 1 if a bar is missed.
Needs the extra `cluster`.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from distributed import LocalCluster

from compare.runs.record import read

FASTER, SLOWER = 1.7, 1.25


def timed(out: Path, options: list[str]) -> tuple[float, dict[str, str]]:
    """Run a sweep as a process of its own; return its seconds, imports included, and its numbers' checksums."""
    command = [sys.executable, "-m", "keras_parity", "sweep", "--out", str(out), *options]
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - began
    files = read(next(out.iterdir())).manifest["files"]
    return seconds, {name: files[name] for name in ("sweep.csv", "trajectories.parquet")}


def main() -> int:
    """Measure, print a table, and judge it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--data", nargs="+", default=["iris", "wine"])
    asked = parser.parse_args()
    fastest: dict[str, float] = {}
    numbers = []
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(asked.repeat):
            for name, options in (("one process", ["--workers", "1"]), ("two workers", ["--workers", "2"])):
                seconds, found = timed(Path(folder) / f"{turn} {name}", ["--data", *asked.data, *options])
                fastest[name] = min(seconds, fastest.get(name, seconds))
                numbers.append(found)
            # A new cluster each turn: its workers import TensorFlow within the time, as the others do.
            with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster:
                options = ["--data", *asked.data, "--scheduler", cluster.scheduler_address]
                seconds, found = timed(Path(folder) / f"{turn} Dask", options)
                fastest["Dask, two workers"] = min(seconds, fastest.get("Dask, two workers", seconds))
                numbers.append(found)
    faster = fastest["one process"] / fastest["two workers"]
    slower = fastest["Dask, two workers"] / fastest["two workers"]
    same = all(found == numbers[0] for found in numbers)
    for name, seconds in fastest.items():
        print(f"{name:18} {seconds:6.1f} s")
    print(f"two workers are {faster:.2f} times as fast as one (at least {FASTER})")
    print(f"Dask takes {slower:.2f} of joblib's processes (at most {SLOWER})")
    print("the numbers are the same bytes" if same else "the numbers DIFFER")
    return 0 if same and faster >= FASTER and slower <= SLOWER else 1


if __name__ == "__main__":
    sys.exit(main())
