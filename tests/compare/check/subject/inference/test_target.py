"""What a file's own process finds out is kept for a fresh one, in which nothing was tried."""

import numpy as np

from compare.check.subject.drivers import Isolated
from compare.check.subject.tasks import Task
from compare.recipe.architecture import dense
from compare.recipe.recipe import Recipe

RECIPE = Recipe(dense((4, 3), (), 0.1), 20, 8)
COUNTING = """
import numpy as np

calls = []


class Counting:
    def __init__(self, sizes, lr):
        self.W, self.b, self.lr = [np.zeros((4, 3))], [np.zeros(3)], lr

    def train_step(self, x, y):
        calls.append(1)
        P = np.exp(x @ self.W[0] + self.b[0])
        dZ = (P / P.sum(axis=1, keepdims=True) - np.eye(3)[y]) / len(y)
        self.W, self.b = [self.W[0] - self.lr * x.T @ dZ], [self.b[0] - self.lr * dZ.sum(axis=0)]
        return float(len(calls))
"""


def test_a_network_is_driven_in_a_process_in_which_nothing_was_tried(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(COUNTING)
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=weight.shape) for weight in RECIPE.architecture.weights]
    task = Task(RECIPE, rng.normal(size=(5, 4)), np.arange(5) % 3, [np.arange(5)], [weights])
    with Isolated(path, "") as driver:
        first, second = driver.describe(RECIPE), driver.describe(RECIPE)
        done = driver.perform(task)
    for said in (first, second):
        assert said["name"] == "Counting"
        assert said["adapter"] == 'adapt(Counting, lists("W", "b"), step="train_step")'
        assert said["certain"]
    assert done.refusal is None
    assert done.steps[0].loss == 1.0
