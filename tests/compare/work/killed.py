"""A run to kill: quick shards, recorded like any other run. `python -m tests.compare.killed OUT WORKERS [PARTIAL]`."""

import os
import sys
import time
from pathlib import Path

import pandas as pd

from compare.recipe.streams import stream
from compare.runs.recorder import recording
from compare.work import engine
from compare.work.place import Place
from tests.compare.work import slow_work as work

SHARDS = 40


def slow(epochs: int, pids: str, seeds: work.Seeds) -> pd.DataFrame:
    """As `work.draw`, but long enough to be killed at, and telling which process it runs in."""
    (Path(pids) / str(os.getpid())).touch()
    time.sleep(0.05)
    return work.draw(epochs, seeds)


def main(out: str, workers: str, partial: str | None = None) -> None:
    """Run, or go on with, the run."""
    pids = Path(out).with_name("pids")
    pids.mkdir(exist_ok=True)
    with recording(Path(out), "run", Path(partial) if partial else None) as recorder:
        recorder.begin({"replicates": SHARDS}, {})
        shards = engine.cut("some", slow, (3, str(pids)), stream(5, "killed"), SHARDS, 1)
        print("begun", flush=True)
        engine.run(shards, recorder.shards, Place(int(workers)))
        recorder.table("numbers.parquet", pd.concat([recorder.shards[shard.name] for shard in shards]))


if __name__ == "__main__":
    main(*sys.argv[1:])
