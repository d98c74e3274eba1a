"""A part of the matrix of heads, losses, optimizers and penalties; `python -m benchmarks.parity_matrix` has all."""

import pytest

from benchmarks.parity_matrix import HEADS, OPTIMIZERS, PENALTIES, Cell, cells, measure
from scratch_nn import optimizers
from scratch_nn.losses import BinaryCrossentropy, MeanSquaredError

CELLS = cells()[::11]  # a prime that divides the length of no axis: every value of each is met


def test_every_value_of_each_axis_is_met():
    assert {cell.head for cell in CELLS} == set(HEADS)
    assert {(cell.optimizer, cell.dtype) for cell in CELLS} == {
        (o, d) for o in OPTIMIZERS for d in ("float64", "float32")
    }
    assert {cell.penalty for cell in CELLS} == set(PENALTIES)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.row} {cell.optimizer}")
def test_each_cell_steps_and_runs_as_keras_does(cell):
    found = measure(cell, seed=0)
    assert 0 < max(found.values()) <= 1, "in units of what is tolerated"


def matrix_cell(words, head=0, penalty=PENALTIES[0]):
    return Cell(HEADS[head], next(each for each in OPTIMIZERS if each.startswith(words)), penalty, "float64")


@pytest.mark.parametrize("words", ["sgd(learning_rate=0.05, momentum=0.9)", "adagrad", "adam"])
def test_a_constant_that_is_not_rounded_as_keras_rounds_it_is_seen(monkeypatch, words):
    monkeypatch.setattr(optimizers, "_rounded", float)
    assert min(measure(matrix_cell(words), 0).values()) > 1


@pytest.mark.parametrize(("kind", "head"), [(BinaryCrossentropy, 2), (MeanSquaredError, 4)])
def test_a_sum_over_outputs_is_seen(monkeypatch, kind, head):
    made = kind.__init__

    def summed(self, output, error):
        made(self, output, error)
        self.share *= error.shape[-2]

    monkeypatch.setattr(kind, "__init__", summed)
    assert min(measure(matrix_cell("sgd", head), 0).values()) > 1


def test_a_penalty_that_is_not_in_the_loss_is_seen(monkeypatch):
    monkeypatch.setattr("scratch_nn.penalties.Penalty.value", lambda self, kernels: 0.0)
    assert min(measure(matrix_cell("sgd", penalty=PENALTIES[1]), 0).values()) > 1
