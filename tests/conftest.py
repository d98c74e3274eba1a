"""What all tests share: the environment TensorFlow needs before it is imported, and the data."""

import os

os.environ.update(KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3")

import pytest

from compare.data import Dataset, load


@pytest.fixture(scope="session")
def iris() -> Dataset:
    return load("iris")
