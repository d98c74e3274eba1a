"""The experiments: what is trained, recorded as tidy tables."""
