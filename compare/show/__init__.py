"""Recorded runs, drawn and told."""
