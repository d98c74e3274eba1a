"""Small networks of the plain kind, each with one thing wrong, on the line that is marked so."""

import math
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np


class Right:
    """Dense layers of relu, a softmax, cross-entropy, plain descent: nothing is wrong."""

    def __init__(self, layer_sizes, learning_rate):
        rng = np.random.default_rng(0)
        self.rate = learning_rate
        self.W = [rng.normal(0, 0.4, pair) for pair in pairwise(layer_sizes)]
        self.b = [np.zeros(units) for units in layer_sizes[1:]]

    def get_weights(self):
        return [array.copy() for pair in zip(self.W, self.b, strict=True) for array in pair]

    def set_weights(self, weights):
        self.W, self.b = [np.array(W) for W in weights[::2]], [np.array(b) for b in weights[1::2]]

    def train_on_batch(self, x, y):
        P, A = self.forward(x)
        grads = self.backward(P, A, y)
        self.update(grads)
        return self.loss(P, y)

    def forward(self, x):
        A = [x]
        for layer, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            Z = self.linear(A[-1], W, b, layer)
            A.append(np.maximum(Z, 0))
        E = np.exp(Z - Z.max(axis=1, keepdims=True))
        return E / E.sum(axis=1, keepdims=True), A

    def linear(self, A, W, b, layer):
        return A @ W + b

    def backward(self, P, A, y):
        return self.below((P - np.eye(P.shape[1])[y]) / len(y), A)

    def below(self, dZ, A):
        grads = []
        for layer in reversed(range(len(self.W))):
            grads.append((A[layer].T @ dZ, dZ.sum(axis=0)))
            if layer:
                dZ = dZ @ self.W[layer].T * (A[layer] > 0)
        return grads[::-1]

    def update(self, grads):
        for layer, (dW, db) in enumerate(grads):
            self.W[layer] = self.W[layer] - self.rate * dW
            self.b[layer] = self.b[layer] - self.rate * db

    def loss(self, P, y):
        return -np.log(P[np.arange(len(y)), y]).mean()


class Fits(Right):
    """Trains by itself, and is right: batches are drawn anew in each epoch."""

    def fit(self, x, y, epochs, batch_size):
        rng = np.random.default_rng(1)
        history = []
        for _ in range(epochs):
            losses, sizes = [], []
            for rows in self.batches(rng.permutation(len(x)), batch_size):
                losses.append(self.train_on_batch(x[rows], y[rows]))
                sizes.append(len(rows))
            history.append(np.average(losses, weights=sizes))
        return history

    def batches(self, order, size):
        return [order[start : start + size] for start in range(0, len(order), size)]


class SkipsTheFirst(Fits):
    """The first sample is taken for a header."""

    def fit(self, x, y, epochs, batch_size):
        x, y = x[1:], y[1:]  # the line
        for _ in range(epochs):
            for rows in self.batches(np.arange(len(x)), batch_size):
                self.train_on_batch(x[rows], y[rows])


class Rule:
    """Descent, with what may be left on."""

    def __init__(self, rate, momentum=0.5, decay=0.0):
        self.rate, self.momentum, self.decay = rate, momentum, decay
        self.velocity = {}

    def moved(self, key, value, grad):
        self.velocity[key] = self.momentum * self.velocity.get(key, 0.0) - self.rate * (grad + self.decay * value)
        return value + self.velocity[key]


class Ruled(Right):
    """Its rule is made by its constructor."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.rule = self.made()

    def made(self):
        return Rule(self.rate, 0.0)

    def update(self, grads):
        for layer, (dW, db) in enumerate(grads):
            self.W[layer] = self.rule.moved(f"W{layer}", self.W[layer], dW)
            self.b[layer] = self.rule.moved(f"b{layer}", self.b[layer], db)


class MomentumByDefault(Ruled):
    def made(self):
        return Rule(self.rate)  # the line


class DecayGiven(Ruled):
    def made(self):
        return Rule(self.rate, 0.0, decay=0.3)  # the line


OPTIONS = {"decay": 0.2, "clip": 5.0}  # the line of DecayOfOptions


class DecayOfOptions(Right):
    def update(self, grads):
        decay = OPTIONS["decay"]
        super().update([(dW + decay * W, db) for (dW, db), W in zip(grads, self.W, strict=True)])


def leaky(Z, slope):
    return np.where(Z > 0, Z, slope * Z)


class SlopeGiven(Right):
    """A slope is bound to its activation where that is made."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.activation = partial(leaky, slope=0.3)  # the line

    def forward(self, x):
        A = [x]
        for W, b in zip(self.W, self.b, strict=True):
            Z = A[-1] @ W + b
            A.append(self.activation(Z))
        E = np.exp(Z - Z.max(axis=1, keepdims=True))
        return E / E.sum(axis=1, keepdims=True), A


def slope_of_relu(A):
    return A > 0


def slope_of_sigmoid(A):
    return A * (1 - A)


class Derived(Right):
    """The derivative is given to its constructor."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.derived_by(slope=slope_of_relu)

    def derived_by(self, slope):
        self.slope = slope

    def backward(self, P, A, y):
        dZ = (P - np.eye(P.shape[1])[y]) / len(y)
        grads = []
        for layer in reversed(range(len(self.W))):
            grads.append((A[layer].T @ dZ, dZ.sum(axis=0)))
            if layer:
                dA = dZ @ self.W[layer].T
                dZ = dA * self.slope(A[layer])
        return grads[::-1]


class DerivativeOfAnother(Derived):
    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.derived_by(slope=slope_of_sigmoid)  # the line


class NeverCleared(Right):
    """Gradients are added to what is there, which is made once."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.sums = [[np.zeros_like(W), np.zeros_like(b)] for W, b in zip(self.W, self.b, strict=True)]

    def update(self, grads):
        for pair, (dW, db) in zip(self.sums, grads, strict=True):
            pair[0] = pair[0] + dW  # the line
            pair[1] = pair[1] + db
        super().update(self.sums)


class ClearedOnceAnEpoch(Right):
    """Gradients are cleared when the weights are set, not before each step."""

    def set_weights(self, weights):
        super().set_weights(weights)
        if not hasattr(self, "grads"):
            self.clear()

    def clear(self):
        self.grads = [0.0] * (2 * len(self.W))

    def update(self, grads):
        for place, grad in enumerate(each for pair in grads for each in pair):
            self.grads[place] = self.grads[place] + grad  # the line
        super().update(list(zip(self.grads[::2], self.grads[1::2], strict=True)))


class Packed(Right):
    """All parameters are one vector."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.shapes = [each.shape for pair in zip(self.W, self.b, strict=True) for each in pair]

    def pack(self, arrays):
        return np.concatenate([each.ravel() for each in arrays])

    def unpack(self, vector):
        ends = np.cumsum([np.prod(shape) for shape in self.shapes])[:-1]
        return [part.reshape(shape) for part, shape in zip(np.split(vector, ends), self.shapes, strict=True)]

    def update(self, grads):
        theta = self.pack(self.get_weights())
        change = self.pack([each for pair in grads for each in pair])
        theta = theta - self.rate * change
        self.set_weights(self.unpack(theta))


class PackedTurned(Packed):
    """Gradients are packed column by column."""

    def update(self, grads):
        theta = self.pack(self.get_weights())
        change = np.concatenate([each.ravel(order="F") for pair in grads for each in pair])  # the line
        theta = theta - self.rate * change
        self.set_weights(self.unpack(theta))


class CachedByTheSize(Right):
    """Labels of a batch are encoded once for each size of batch."""

    cache: dict[Any, Any]

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.cache = {}

    def encoded(self, y, classes):
        key = (len(y), classes)  # the line
        if key not in self.cache:
            self.cache[key] = np.eye(classes)[y]
        return self.cache[key]

    def backward(self, P, A, y):
        Y = self.encoded(y, P.shape[1])
        return self.below((P - Y) / len(y), A)


class DefaultThatIsKept(Right):
    """The changes are collected in a default, made once, and the first are taken."""

    def update(self, grads, changes=[]):  # noqa: B006  # the line
        changes.extend(self.rate * each for pair in grads for each in pair)
        for layer in range(len(self.W)):
            self.W[layer] = self.W[layer] - changes[2 * layer]
            self.b[layer] = self.b[layer] - changes[2 * layer + 1]


class Clipped(Right):
    def update(self, grads):
        super().update([(np.clip(dW, -0.01, 0.01), db) for dW, db in grads])  # the line


class LossSoFar(Right):
    """The loss is the mean of all so far."""

    def loss(self, P, y):
        self.losses = [*getattr(self, "losses", []), super().loss(P, y)]
        return sum(self.losses) / len(self.losses)  # the line


class NotKept(Right):
    """The new biases are computed, and not kept."""

    def moved(self, W, dW):
        return W - self.rate * dW

    def update(self, grads):
        for layer, (dW, db) in enumerate(grads):
            self.W[layer] = self.moved(self.W[layer], dW)
            b = self.b[layer]
            b - self.rate * db  # the line


class RateOfAnother(Right):
    """The update is handed another number than the learning rate."""

    def update(self, grads):
        self.move(grads, 0.3)  # the line

    def move(self, grads, rate):
        for layer, (dW, db) in enumerate(grads):
            self.W[layer] = self.W[layer] - rate * dW
            self.b[layer] = self.b[layer] - rate * db


class UpdatesTwice(Right):
    """Each step is made by the backward pass, and by the training step again."""

    def backward(self, P, A, y):
        grads = super().backward(P, A, y)
        self.update(grads)  # the line
        return grads


class BySamples(Right):
    """Gradients are summed over samples, one after the other, from lists that the way forward fills."""

    def forward_one(self, a):
        outputs, slopes = [a], []
        for W, b in zip(self.W, self.b, strict=True):
            z = a @ W + b
            a = np.where(z > 0, z, 0.0)
            outputs.append(a)
            slopes.append(z > 0)
        e = np.exp(z - z.max())
        return e / e.sum(), outputs, slopes

    def train_on_batch(self, x, y):
        grads = [(np.zeros_like(W), np.zeros_like(b)) for W, b in zip(self.W, self.b, strict=True)]
        loss = 0.0
        for one, label in zip(x, y, strict=True):
            p, outputs, slopes = self.forward_one(one)
            loss -= np.log(p[label])
            error = p - np.eye(len(p))[label]
            own: list[Any] = []
            for layer in range(len(self.W) - 1, -1, -1):
                own.insert(0, (np.outer(outputs[layer], error), error))
                if layer:
                    error = self.W[layer] @ error * slopes[layer - 1]
            grads = [(dW + more, db + error) for (dW, db), (more, error) in zip(grads, own, strict=True)]
        self.update([(dW / len(x), db / len(x)) for dW, db in grads])
        return loss / len(x)


class KeepsAnother(BySamples):
    """What goes into the activation is kept, where what comes out of it is meant."""

    def forward_one(self, a):
        outputs, slopes = [a], []
        for W, b in zip(self.W, self.b, strict=True):
            z = a @ W + b
            a = np.where(z > 0, z, 0.0)
            outputs.append(z)  # the line
            slopes.append(z > 0)
        e = np.exp(z - z.max())
        return e / e.sum(), outputs, slopes


class RateAtEachLayer(Right):
    """The learning rate is in the error that is passed down, and once more in the next."""

    def backward(self, P, A, y):
        dZ = (P - np.eye(P.shape[1])[y]) / len(y)
        grads = []
        for layer in reversed(range(len(self.W))):
            dZ = self.rate * dZ  # the line
            grads.append((A[layer].T @ dZ, dZ.sum(axis=0)))
            if layer:
                dZ = dZ @ self.W[layer].T * (A[layer] > 0)
        return grads[::-1]

    def update(self, grads):
        for layer, (dW, db) in enumerate(grads):
            self.W[layer] = self.W[layer] - dW
            self.b[layer] = self.b[layer] - db


class Linear:
    def __init__(self, network, layer):
        self.network, self.layer = network, layer

    def forward(self, A):
        self.A = A
        return A @ self.network.W[self.layer] + self.network.b[self.layer]

    def backward(self, dZ):
        self.grads = self.A.T @ dZ, dZ.sum(axis=0)
        return dZ @ self.network.W[self.layer].T


class Relu:
    def forward(self, Z):
        self.on = Z > 0
        return np.where(self.on, Z, 0.0)

    def backward(self, dA):
        return dA * self.on


class OfObjects(Right):
    """Layers are objects, which the constructor puts in a row."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.row: list[Any] = []
        for layer in range(len(self.W)):
            self.row.append(Linear(self, layer))
            if layer < len(self.W) - 1:
                self.row.append(Relu())

    def train_on_batch(self, x, y):
        for each in self.row:
            x = each.forward(x)
        E = np.exp(x - x.max(axis=1, keepdims=True))
        P = E / E.sum(axis=1, keepdims=True)
        self.pass_back((P - np.eye(P.shape[1])[y]) / len(y))
        self.update([each.grads for each in self.row if isinstance(each, Linear)])
        return self.loss(P, y)

    def pass_back(self, error):
        for each in reversed(self.row):
            error = each.backward(error)


class OneTooMany(OfObjects):
    """The last layer has a relu as well."""

    def __init__(self, layer_sizes, learning_rate):
        Right.__init__(self, layer_sizes, learning_rate)
        self.row: list[Any] = []
        for layer in range(len(self.W)):
            self.row.append(Linear(self, layer))
            if layer < len(self.W):  # the line
                self.row.append(Relu())


class SummedTooOften(OfObjects):
    """Gradients are added up, and the list of what adds to them holds each of it twice."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.turns = []
        for _ in range(2):  # the line
            self.turns.append("once")

    def update(self, grads):
        sums = [(np.zeros_like(dW), np.zeros_like(db)) for dW, db in grads]
        for _ in self.turns:
            for (dW, db), (more, error) in zip(sums, grads, strict=True):
                dW += more
                db += error
        super().update(sums)


class ReadsTheNew(Right):
    """The weights before the update are not copied, so that the error goes down through those after it."""

    def train_on_batch(self, x, y):
        P, A = self.forward(x)
        error = (P - np.eye(P.shape[1])[y]) / len(y)
        for layer in reversed(range(len(self.W))):
            before = self.W[layer]  # the line
            self.b[layer] -= self.rate * error.sum(axis=0)
            self.W[layer] -= self.rate * (A[layer].T @ error)
            error = error @ before.T * (A[layer] > 0)
        return self.loss(P, y)


class BoundLate(Right):
    """Every function takes its layer for the last one, which has no relu."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        last = len(self.W) - 1
        self.squashed = []
        for layer in range(last + 1):
            self.squashed.append(lambda Z: Z if layer == last else Z * (Z > 0))  # noqa: B023 # the line

    def forward(self, x):
        A = [x]
        for W, b, squashed in zip(self.W, self.b, self.squashed, strict=True):
            Z = A[-1] @ W + b
            A.append(squashed(Z))
        E = np.exp(Z - Z.max(axis=1, keepdims=True))
        return E / E.sum(axis=1, keepdims=True), A


class LeavesTheViews(Right):
    """All parameters are moved to a new array, and the kernels and biases stay views of the old one."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.theta = np.concatenate([array.ravel() for pair in zip(self.W, self.b, strict=True) for array in pair])
        ends = np.cumsum([array.size for pair in zip(self.W, self.b, strict=True) for array in pair])[:-1]
        views = np.split(self.theta, ends)
        self.W = [view.reshape(W.shape) for view, W in zip(views[::2], self.W, strict=True)]
        self.b = views[1::2]

    def set_weights(self, weights):
        for own, given in zip([*self.W, *self.b], [*weights[::2], *weights[1::2]], strict=True):
            own[:] = given

    def update(self, grads):
        gradient = np.concatenate([array.ravel() for pair in grads for array in pair])
        self.theta = self.theta - self.rate * gradient  # the line


class OneByOne:
    """One layer of plain numbers; nothing divides by the number of samples."""

    def __init__(self, layer_sizes, learning_rate):
        self.inputs, self.units = layer_sizes
        self.rate = learning_rate
        self.W, self.b = [0.1 * (k % 5) for k in range(self.inputs * self.units)], [0.0] * self.units

    def get_weights(self):
        return [np.array(self.W).reshape(self.inputs, self.units), np.array(self.b)]

    def set_weights(self, weights):
        self.W, self.b = weights[0].ravel().tolist(), weights[1].tolist()

    def train_on_batch(self, x, y):
        dW, db, loss = [0.0] * len(self.W), [0.0] * len(self.b), 0.0
        for n in range(len(x)):
            z = list(self.b)
            for k in range(len(self.W)):
                z[k % self.units] += float(x[n, k // self.units]) * self.W[k]
            total = sum(math.exp(each) for each in z)
            loss += math.log(total) - z[int(y[n])]
            for j in range(self.units):
                e = math.exp(z[j]) / total - (j == int(y[n]))
                db[j] += e
                for i in range(self.inputs):
                    dW[i * self.units + j] += float(x[n, i]) * e
        self.W = [w - self.rate * d for w, d in zip(self.W, dW, strict=True)]
        self.b = [w - self.rate * d for w, d in zip(self.b, db, strict=True)]
        return loss / len(x)


class CountsTheLast(BySamples):
    """The count is that of the loop's last sample's features."""

    def update(self, grads):
        n = len(self.b[0])  # the line
        for layer, (dW, db) in enumerate(grads):
            self.W[layer] = self.W[layer] - (self.rate / n) * dW
            self.b[layer] = self.b[layer] - (self.rate / n) * db


class WholeLosses(BySamples):
    """Losses are put into an array that is made as the labels are, and lose what is behind the point."""

    def train_on_batch(self, x, y):
        losses = np.zeros_like(y)  # the line
        for index, (one, label) in enumerate(zip(x, y, strict=True)):
            p, _, _ = self.forward_one(one)
            losses[index] = -np.log(p[label])
        super().train_on_batch(x, y)
        return np.mean(losses)


class Records(Right):
    """All gradients lie in one record, whose numbers are taken from those of the weights at once."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        shapes = [array.shape for pair in zip(self.W, self.b, strict=True) for array in pair]
        self.names = [f"w{number}" for number in range(len(shapes))]
        fields = [(name, "f8", shape) for name, shape in zip(self.names, shapes, strict=True)]
        self.kept = np.zeros(1, np.dtype(fields))
        self.set_weights(super().get_weights())

    def get_weights(self):
        return [self.kept[name][0].copy() for name in self.names]

    def set_weights(self, weights):
        for name, array in zip(self.names, weights, strict=True):
            self.kept[name][0] = array
        arrays = [self.kept[name][0] for name in self.names]
        self.W, self.b = arrays[::2], arrays[1::2]

    def update(self, grads):
        record = np.zeros_like(self.kept)
        for layer, (dW, db) in enumerate(grads):
            record[f"w{2 * layer}"][0] = self.of_kernel(dW)
            record[f"w{2 * layer + 1}"][0] = db
        self.kept.view("f8")[:] -= self.rate * record.view("f8")

    def of_kernel(self, dW):
        return dW


class RecordsTheSign(Records):
    """Of a kernel's gradient little is kept."""

    def of_kernel(self, dW):
        return np.sign(dW)  # the line


class Node:
    """A value with what it is made of, by which its error is passed on."""

    def __init__(self, value, passes=()):
        self.value, self.passes, self.error = value, passes, np.zeros_like(value)


class Passes(Right):
    """The logits' error comes by two ways, the labels' and the sum's, and is added up before it is passed on."""

    def backward(self, P, A, y):
        logits = Node(P)
        labels, total = Node(P, (logits,)), Node(P, (logits,))
        labels.error, total.error = -np.eye(P.shape[1])[y] / len(y), P / len(y)
        found: list[Any] = []
        for node in self.order(logits, labels, total):
            for before in node.passes:
                np.add(before.error, node.error, out=before.error)
            if node is logits:
                found = self.below(logits.error, A)
        return found

    def order(self, logits, labels, total):
        return [labels, total, logits]


class PassesEarly(Passes):
    """The logits pass their error on before the sum's part of it is there."""

    def order(self, logits, labels, total):
        return [labels, logits, total]  # the line


class Named(Right):
    """Gradients are kept by name, and those that have one name are one."""

    def names(self):
        return [f"of {'all' if layer < len(self.W) - 1 else 'the last'}" for layer in range(len(self.W))]

    def update(self, grads):
        found = self.names()
        by_name = dict(zip(found, enumerate(grads), strict=True))  # the line
        for layer, (dW, db) in by_name.values():
            self.W[layer] = self.W[layer] - self.rate * dW
            self.b[layer] = self.b[layer] - self.rate * db


class UsedUp(Right):
    """What the kernels' loop has gone through is used up when the biases' loop begins."""

    def update(self, grads):
        pairs = enumerate(grads)  # the line
        for layer, (dW, _) in pairs:
            self.W[layer] = self.W[layer] - self.rate * dW
        for layer, (_, db) in pairs:
            self.b[layer] = self.b[layer] - self.rate * db


class EndsEarly(Right):
    """Layers are updated one after the other by a function that calls itself, and one too few."""

    def update(self, grads, layer=0):
        if layer + 1 < len(grads):  # the line
            dW, db = grads[layer]
            self.update(grads, layer + 1)
            self.W[layer] = self.W[layer] - self.rate * dW
            self.b[layer] = self.b[layer] - self.rate * db


class NeverReset(Fits):
    """The sums of an epoch go on in the next."""

    def fit(self, x, y, epochs, batch_size):
        rng = np.random.default_rng(1)
        history, self.total, self.seen = [], 0.0, 0
        for _ in range(epochs):
            for rows in self.batches(rng.permutation(len(x)), batch_size):
                self.total += self.train_on_batch(x[rows], y[rows]) * len(rows)  # the line
                self.seen += len(rows)
            history.append(self.told())
        return history

    def told(self):
        return self.total / self.seen


class InBuffers(Right):
    """All gradients lie in one vector, which is filled by views of it."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        arrays = [array for pair in zip(self.W, self.b, strict=True) for array in pair]
        ends = np.cumsum([array.size for array in arrays])
        self.grad = np.zeros(ends[-1])
        self.views = [
            part.reshape(array.shape) for part, array in zip(np.split(self.grad, ends[:-1]), arrays, strict=True)
        ]

    def backward(self, P, A, y):
        dZ = np.empty_like(P)
        np.subtract(P, np.eye(P.shape[1])[y], out=dZ)
        np.divide(dZ, len(y), out=dZ)
        for layer in reversed(range(len(self.W))):
            dZ = self.of_layer(layer, A, dZ)

    def of_layer(self, layer, A, dZ):
        np.dot(A[layer].T, dZ, out=self.views[2 * layer])
        np.sum(dZ, axis=0, out=self.views[2 * layer + 1])
        return np.dot(dZ, self.W[layer].T) * (A[layer] > 0)

    def update(self, grads):
        np.multiply(self.grad, self.rate, out=self.grad)
        for layer, (dW, db) in enumerate(zip(self.views[::2], self.views[1::2], strict=True)):
            self.W[layer] = self.W[layer] - dW
            self.b[layer] = self.b[layer] - db


class SumsSquares(InBuffers):
    """The bias's gradient is made of another number, in the middle of the vector."""

    def of_layer(self, layer, A, dZ):
        below = super().of_layer(layer, A, dZ)
        np.sum(dZ * dZ, axis=0, out=self.views[2 * layer + 1])  # the line
        return below


class WritesOver(InBuffers):
    """What is passed down is written over the activations that the kernel's gradient reads after it."""

    def of_layer(self, layer, A, dZ):
        mask = A[layer] > 0
        if layer:
            np.dot(dZ, self.W[layer].T, out=A[layer])  # the line
        np.dot(A[layer].T, dZ, out=self.views[2 * layer])
        np.sum(dZ, axis=0, out=self.views[2 * layer + 1])
        return A[layer] * mask


class AskedLate(Right):
    """The loss is a property, and is asked for when the weights are new."""

    @property
    def cost(self):
        P, _ = self.forward(self.x)
        return self.loss(P, self.y)

    def train_on_batch(self, x, y):
        self.x, self.y = x, y
        P, A = self.forward(x)
        self.update(self.backward(P, A, y))
        return self.cost  # the line


class LeavesTheFirst(OfObjects):
    """The error is not passed to the first layer, whose gradients stay as they were made."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.row[0].grads = np.zeros_like(self.W[0]), np.zeros_like(self.b[0])

    def pass_back(self, error):
        for each in self.row[:0:-1]:  # the line
            error = each.backward(error)


class PackedTurnedBefore(Packed):
    """Gradients are put in another order, and packed elsewhere."""

    def update(self, grads):
        turned = []
        for dW, db in grads:
            turned += [dW.ravel(order="F"), db]  # the line
        self.set_weights(self.unpack(self.pack(self.get_weights()) - self.rate * self.pack(turned)))


class ChosenForAll(Right):
    """An activation is chosen for each layer, and for the last as for the others."""

    def forward(self, x):
        A = [x]
        for layer, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            Z = A[-1] @ W + b
            A.append(self.ramp(Z) if layer < len(self.W) else Z)  # the line
        E = np.exp(A[-1] - A[-1].max(axis=1, keepdims=True))
        return E / E.sum(axis=1, keepdims=True), A

    def ramp(self, Z):
        return np.where(Z > 0, Z, 0.0)


class TellsAccuracy(Right):
    """The accuracy is told beside the loss."""

    def train_on_batch(self, x, y):
        P, _ = self.forward(x)
        accuracy = self.right(P, y).mean()
        return super().train_on_batch(x, y), accuracy

    def right(self, P, y):
        predicted = P.argmax(axis=1)
        return predicted == y


class TakesTheLeast(TellsAccuracy):
    """What is predicted is the class that is least likely."""

    def right(self, P, y):
        predicted = P.argmin(axis=1)  # the line
        return predicted == y


class OffAtFirstAndLater(NeverCleared):
    """The loss is off in every step, and what is added up from the second one on."""

    def loss(self, P, y):
        return super().loss(P, y) / P.shape[1]


class UnpacksTheWrongCount(Right):
    """The number of samples is another by the time the gradients are averaged."""

    def below(self, dZ, A):
        n, grads = len(dZ), []
        for layer in reversed(range(len(self.W))):
            n, _ = self.W[layer].shape  # the line
            dZ_of_all = dZ * len(dZ)
            grads.append((A[layer].T @ dZ_of_all / n, dZ.sum(axis=0)))
            if layer:
                dZ = dZ @ self.W[layer].T * (A[layer] > 0)
        return grads[::-1]


KERNELS = "ni,mo->io"  # the line of GoesByAText


class GoesByAText(Right):
    """The subscripts of an einsum stand elsewhere."""

    def below(self, dZ, A):
        return [(np.einsum(KERNELS, A[-2 - up], dZ), db) for up, (dZ, db) in enumerate(self.errors(dZ, A))][::-1]

    def errors(self, dZ, A):
        for layer in reversed(range(len(self.W))):
            yield dZ, dZ.sum(axis=0)
            if layer:
                dZ = dZ @ self.W[layer].T * (A[layer] > 0)


class Engine(Right):
    """The logits' error is the sum of what each node that reads them passes on, in the order of the graph."""

    def backward(self, P, A, y):
        self.logits = Node(P)
        for passed in (-np.eye(P.shape[1])[y] / len(y), P / len(y)):
            self.keep(passed)
        return self.below(self.logits.error, A)

    def keep(self, passed):
        self.logits.error = self.logits.error + passed


class Overwrites(Engine):
    """What a node is passed takes the place of what it was passed before."""

    def keep(self, passed):
        self.logits.error = 1.0 * passed  # the line


class VisitsTwice(Right):
    """A node that is come to twice is gone through twice: nothing marks it as visited."""

    def below(self, dZ, A):
        grads, self.dW = super().below(dZ, A), [np.zeros_like(W) for W in self.W]
        order, visited = [], set()

        def visit(layer):
            if layer in visited:
                return  # the line
            order.append(layer)

        for layer in (*range(len(grads)), *range(len(grads))):
            visit(layer)
        for layer in order:
            self.add(layer, grads[layer][0])
        return [(self.dW[layer], db) for layer, (_, db) in enumerate(grads)]

    def add(self, layer, dW):
        self.dW[layer] = self.dW[layer] + dW


class FlatRate(Packed):
    """The rate becomes smaller with each step, and is asked for by a call."""

    steps = 0

    def update(self, grads):
        self.steps += 1
        theta, change = self.pack(self.get_weights()), self.pack([each for pair in grads for each in pair])
        self.set_weights(self.unpack(theta - self.rate_now() * change))

    def rate_now(self):
        return self.rate / (1 + 0.01 * self.steps)  # the line


class ChangesWhatItTells(TellsAccuracy):
    """The probabilities are made the error in place, and what is predicted is read off them later."""

    def train_on_batch(self, x, y):
        self.P, A = self.forward(x)
        loss = self.loss(self.P, y)
        self.update(self.below(self.error(y), A))
        return loss, self.right(self.P, y).mean()

    def error(self, y):
        error = self.P  # the line
        error[np.arange(len(y)), y] -= 1
        return error / len(y)


class ClearsTheSame(Right):
    """Gradients are added to what is there; of two that are to be cleared, one is cleared twice."""

    def __init__(self, layer_sizes, learning_rate):
        super().__init__(layer_sizes, learning_rate)
        self.dW = [np.zeros_like(W) for W in self.W]
        self.db = [np.zeros_like(b) for b in self.b]

    def clear(self, layer):
        self.dW[layer] = np.zeros_like(self.W[layer])
        self.dW[layer] = np.zeros_like(self.W[layer])  # the line

    def update(self, grads):
        for layer, (dW, db) in enumerate(grads):
            self.clear(layer)
            self.dW[layer] = self.dW[layer] + dW
            self.db[layer] = self.db[layer] + db
        super().update(list(zip(self.dW, self.db, strict=True)))


class KeepsTheTurned(Right):
    """A kernel's transpose is kept, and not forgotten when the kernel is another."""

    turned: Any = None

    def set_weights(self, weights):
        self.W = [np.array(W) for W in weights[::2]]  # the line
        self.b = [np.array(b) for b in weights[1::2]]

    def transposes(self):
        if self.turned is None:
            self.turned = [W.T.copy() for W in self.W]
        return self.turned

    def below(self, dZ, A):
        grads = []
        for layer in reversed(range(len(self.W))):
            grads.append((A[layer].T @ dZ, dZ.sum(axis=0)))
            if layer:
                dZ = dZ @ self.transposes()[layer] * (A[layer] > 0)
        return grads[::-1]


class CountsOnce(Right):
    """One over the number of samples is computed for the first batch, and kept."""

    @cached_property  # the line
    def share(self):
        return 1 / self.samples

    def backward(self, P, A, y):
        self.samples = len(y)
        return self.below((P - np.eye(P.shape[1])[y]) * self.share, A)


class YieldsTooFew(Fits):
    """Batches come from a generator that leaves out the last one, which is smaller."""

    def batches(self, order, size):
        for start in range(0, len(order) - size + 1, size):  # the line
            yield order[start : start + size]


class DecaysAsFast(Right):
    """The rate becomes smaller by a default, which is as large as the rate itself."""

    steps, decay = 0, 0.01  # the line

    def update(self, grads):
        first = self.rate
        self.rate = self.slower()
        super().update(grads)
        self.rate, self.steps = first, self.steps + 1

    def slower(self):
        return self.rate / (1 + self.decay * self.steps)


class LosesTheMaximum(Right):
    """The log of a sum of exponentials, without the maximum that was taken out of them."""

    def train_on_batch(self, x, y):
        _, A = self.forward(x)
        Z = A[-2] @ self.W[-1] + self.b[-1]
        loss = (self.log_sum(Z) - Z[np.arange(len(y)), y]).mean()
        super().train_on_batch(x, y)
        return loss

    def log_sum(self, Z):
        highest = Z.max(axis=1)
        return np.log(np.exp(Z - highest[:, None]).sum(axis=1))  # the line


class BeginsAtTheSecond(Right):
    """Gradients are summed sample by sample, from the second one on, in each layer."""

    def below(self, dZ, A):
        grads = []
        for layer in reversed(range(len(self.W))):
            dW, db = np.zeros_like(self.W[layer]), np.zeros_like(self.b[layer])
            for sample in range(1, len(dZ)):  # the line
                dW = dW + np.outer(A[layer][sample], dZ[sample])
                db = db + dZ[sample]
            grads.append((dW, db))
            if layer:
                dZ = dZ @ self.W[layer].T * (A[layer] > 0)
        return grads[::-1]


class ErrorOfWholeNumbers(Right):
    """The error is put into an array that is made as the labels are, and nothing of it is left."""

    def backward(self, P, A, y):
        labels = np.eye(P.shape[1], dtype=int)[y]
        error = np.zeros_like(labels)  # the line
        error[:] = (P - labels) / len(y)
        return self.below(error, A)


class OneListForBoth(Right):
    """Gradients of kernels and biases are put into one and the same list."""

    def below(self, dZ, A):
        kernels = biases = [None] * len(self.W)  # the line
        for layer in reversed(range(len(self.W))):
            kernels[layer] = A[layer].T @ dZ
            biases[layer] = dZ.sum(axis=0)
            if layer:
                dZ = dZ @ self.W[layer].T * (A[layer] > 0)
        return list(zip(kernels, biases, strict=True))


class ErrorBeforeItIsScaled(Right):
    """The error is scaled by a number of its own, and handed down as it was."""

    def backward(self, P, A, y):
        error = 7 * (P - np.eye(P.shape[1])[y]) / len(y)
        scaled = error / 7
        grads = [(A[-2].T @ scaled, scaled.sum(axis=0))]
        below = error @ self.W[-1].T  # the line
        dZ = below * (A[-2] > 0)
        for layer in reversed(range(len(self.W) - 1)):
            grads.append((A[layer].T @ dZ, dZ.sum(axis=0)))
            if layer:
                dZ = dZ @ self.W[layer].T * (A[layer] > 0)
        return grads[::-1]

    def update(self, grads):
        for layer, (dW, db) in enumerate(grads):
            self.W[layer] = self.W[layer] + 1.5 * (-self.rate / 1.5 * dW)
            self.b[layer] = self.b[layer] + 1.5 * (-self.rate / 1.5 * db)


class UpdatesInside(BySamples):
    """The weights are changed after each sample, by what the samples so far have added up."""

    def train_on_batch(self, x, y):
        dW, db = [np.zeros_like(W) for W in self.W], [np.zeros_like(b) for b in self.b]
        losses = []
        for one, label in zip(x, y, strict=True):
            p, A, Z = self.forward_one(one)
            losses.append(-np.log(p[label]))
            grads = self.below_one(p, A, Z, label)
            for layer, (outer, dZ) in enumerate(grads):
                dW[layer], db[layer] = dW[layer] + outer, db[layer] + dZ
            self.change(dW, db, len(x))  # the line
        return np.mean(losses)

    def below_one(self, p, A, Z, label):
        dZ, grads = p - np.eye(len(p))[label], []
        for layer in reversed(range(len(self.W))):
            grads.append((np.outer(A[layer], dZ), dZ))
            if layer:
                dZ = self.W[layer] @ dZ * (Z[layer - 1] > 0)
        return grads[::-1]

    def change(self, dW, db, n):
        for layer in range(len(dW)):
            self.W[layer] -= self.rate * dW[layer] / n
            self.b[layer] -= self.rate * db[layer] / n
