"""Data, checked: by name, from a file, from arrays."""

from compare.data.dataset import NAMES, Dataset, load

__all__ = ["NAMES", "Dataset", "load"]
