"""The command line: one module a command. Only here are imports lazy, so that `--help` is quick."""
