"""Measure speed, ours and our peers', in one run: a table, two plots.

python -m benchmarks [--quick] [--threads N] [--whole-process] [--out DIR]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write, print; return 1 if a bar is missed, which a quick look does not judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure speed, side by side with peers.")
    parser.add_argument("--quick", action="store_true", help="see that everything runs; the figures mean nothing")
    parser.add_argument("--threads", type=int, default=1, help="threads, and cores, of every library (default 1)")
    parser.add_argument("--whole-process", action="store_true", help="also time commands from the shell (minutes)")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    options = parser.parse_args(arguments)
    if options.threads < 1:
        parser.error(f"--threads must be a positive integer. Received: {options.threads}")

    from benchmarks.environment import describe, limited_threads, missing_peers

    with limited_threads(options.threads):  # NumPy and the peers are imported inside
        from benchmarks import measures, output, scaling, whole_process

        effort, missing = (measures.QUICK if options.quick else measures.FULL), missing_peers()
        environment, found = describe(options.threads), []
        for group in (
            scaling.long_runs,
            measures.small_network,
            measures.optimizers,
            measures.stack,
            measures.wide_network,
            measures.compiled_keras,
        ):
            print(f"measuring: {group.__doc__}", file=sys.stderr, flush=True)
            found += list(group(effort, missing))
        points = list(scaling.curves(effort))
    if options.whole_process:
        found += whole_process.main_job(effort.fit_repeats, ("--quick",) if options.quick else ())
        found += whole_process.checks(effort.fit_repeats)
    output.write(found, points, environment, missing, options.out)
    print(output.markdown(found, points, environment, missing))
    return 0 if options.quick or all(measure.met for measure in found) else 1


if __name__ == "__main__":
    sys.exit(main())
