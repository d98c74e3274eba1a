"""Recorded runs told on a terminal, and progress."""
