"""The network under check: its kinds, how it is loaded, driven and kept apart."""
