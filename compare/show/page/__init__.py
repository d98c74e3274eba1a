"""The report page of a recorded run."""
