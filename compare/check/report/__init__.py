"""What a check found: the verdict, and its report as text, values and a run's folder."""
