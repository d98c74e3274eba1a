"""When two runs or two sets of runs agree: pure functions of arrays."""
