"""What pytest loads: the fixture `keras_parity` and its options."""

from compare.pytest_plugin import KerasParity, keras_parity, pytest_addoption, pytest_configure

__all__ = ["KerasParity", "keras_parity", "pytest_addoption", "pytest_configure"]
