"""Where work runs, not what it is: processes, a companion, a cluster."""
