"""Lines of a subject's own training: the batch that is another, the loop that leaves one out, the loss of an epoch."""

import numpy as np
import pytest

from compare import check_parity
from examples.correct import Network as Plain

TAKEN = "for start in range(0, len(x), batch_size):"


class InOrder(Plain):
    """Batches in order, their losses averaged by their sizes."""

    def fit(self, x, y, epochs, batch_size):
        history = []
        for _ in range(epochs):
            losses, sizes = [], []
            for start in range(0, len(x), batch_size):
                xb, yb = x[start : start + batch_size], y[start : start + batch_size]
                losses.append(self.train_on_batch(xb, yb))
                sizes.append(len(xb))
            history.append(np.average(losses, weights=sizes))
        return history


class LeavesOut(Plain):
    """The ragged last batch is left out."""

    def fit(self, x, y, epochs, batch_size):
        history = []
        numbers = range(len(x) // batch_size)
        for _ in range(epochs):
            losses = []
            for number in numbers:  # the line
                rows = slice(number * batch_size, (number + 1) * batch_size)
                losses.append(self.train_on_batch(x[rows], y[rows]))
            history.append(np.mean(losses))
        return history


class LeavesOutShuffled(Plain):
    """The same of one that shuffles."""

    def fit(self, x, y, epochs, batch_size):
        rng = np.random.default_rng(3)
        for _ in range(epochs):
            order = rng.permutation(len(x))
            x, y = x[order], y[order]
            start = 0
            while start + batch_size <= len(x):  # the line
                xb = x[start : start + batch_size]
                self.train_on_batch(xb, y[start : start + batch_size])
                start += batch_size


class OneTooFew(Plain):
    """Each batch is a sample short."""

    def fit(self, x, y, epochs, batch_size):
        for _ in range(epochs):
            for start in range(0, len(x), batch_size):
                rows = np.arange(start, min(start + batch_size - 1, len(x)))
                inputs = x[rows]  # the line
                self.train_on_batch(inputs, y[rows])


class PlainMean(Plain):
    """An epoch's loss is the mean over batches, whatever their sizes."""

    def fit(self, x, y, epochs, batch_size):
        history = []
        for _ in range(epochs):
            starts = range(0, len(x), batch_size)
            losses = [self.train_on_batch(x[s : s + batch_size], y[s : s + batch_size]) for s in starts]
            epoch_loss = sum(losses) / len(losses)  # the line
            history.append(epoch_loss)
        return history


class ShufflesSamplesAlone(Plain):
    """Where it shuffles, labels stay as they were; in order it is right."""

    def fit(self, x, y, epochs, batch_size, shuffle=True):
        for _ in range(epochs):
            order = np.random.default_rng().permutation(len(x)) if shuffle else np.arange(len(x))
            for start in range(0, len(x), batch_size):
                taken = order[start : start + batch_size]
                self.train_on_batch(x[taken], self.labels(y, start, taken))

    def labels(self, y, start, taken):
        return y[start : start + len(taken)]  # the line


class ShufflesBoth(ShufflesSamplesAlone):
    """The same, right."""

    def labels(self, y, start, taken):
        return y[taken]


@pytest.mark.parametrize(("network", "source", "says", "also"), [
    (LeavesOut, "number", "leaves out batch 5 of 5, the last 22 samples, which Keras takes",
     ["makes `numbers`, which is gone through"]),
    (LeavesOutShuffled, "start + batch_size <= len(x)", "leaves out batch 3 of 3, the last sample, which Keras takes",
     []),
    (OneTooFew, "x[rows]", "makes the batch of 149 samples, rows 1 to 149, where Keras takes 150, rows 1 to 150", []),
    (PlainMean, "sum(losses) / len(losses)", "makes the loss of epoch 1", []),
])  # fmt: skip
def test_the_line_of_a_training_that_is_wrong_is_told(network, source, says, also):
    report = check_parity(network, layers=(5, 3), steps=5)
    assert not report.passed
    first = report.guilty[0]
    assert (first.source, first.function) == (source, f"{network.__name__}.fit")
    assert says in first.says
    assert [each.says for each in report.guilty if "gone through" in each.says] == also
    with open(__file__, encoding="utf-8") as own:
        assert "# the line" in own.read().splitlines()[first.first - 1]
    assert __file__ in dict(report.lines.sources)


def test_the_line_that_leaves_labels_where_they_were_is_told():
    report = check_parity(ShufflesSamplesAlone, layers=(5, 3), steps=5)
    assert [each.name for each in report.trainings if each.wrong] == ["fit, full batch, shuffled"]
    assert any("each label must stay with its sample" in note for note in report.met.notes)
    (line,) = report.guilty
    assert (line.source, line.function) == ("y[start : start + len(taken)]", "ShufflesSamplesAlone.labels")
    assert line.says == "makes the batch's labels in another order than its samples"


@pytest.mark.parametrize("network", [InOrder, ShufflesBoth])
def test_no_line_of_a_right_training_is_accused(network):
    report = check_parity(network, layers=(5, 3), steps=5)
    assert report.passed
    assert report.guilty == ()
