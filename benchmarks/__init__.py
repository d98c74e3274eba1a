"""Speed and calibration, measured; `python -m benchmarks` runs the speed comparison."""
