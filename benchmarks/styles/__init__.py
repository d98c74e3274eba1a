"""Correct networks in six styles of code, to plant faults in: each fault is a line that is changed."""
