"""One training step in replaceable phases, for the catalogue of faults; it knows neither side."""
