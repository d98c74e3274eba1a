"""Few statements, many expressions: comprehensions, lambdas, reduce."""

from functools import reduce

import numpy as np

relu = lambda z: z * (z > 0)
soft = lambda z: (lambda e: e / e.sum(1)[:, None])(np.exp(z - z.max(1)[:, None]))


def make(layer_sizes, learning_rate):
    last = len(layer_sizes) - 2

    def run(weights, x):
        pairs = list(zip(weights[::2], weights[1::2]))
        return reduce(
            lambda done, pair: [*done, (soft if len(done) - 1 == last else relu)(done[-1] @ pair[0] + pair[1])],
            pairs,
            [x],
        )

    def errors(weights, outs, y):
        found = [(outs[-1] - np.eye(layer_sizes[-1])[y]) / len(y)]
        for W, out in zip(weights[-2:0:-2], outs[-2:0:-1]):
            found.append(found[-1] @ W.T * (out > 0))
        return found[::-1]

    def step(weights, x, y, learning_rate):
        outs = run(weights, x)
        ds = errors(weights, outs, y)
        grads = [g for d, a in zip(ds, outs) for g in (a.T @ d, d.sum(0))]
        loss = np.mean([-np.log(p[t]) for p, t in zip(outs[-1], y)])
        return [w - learning_rate * g for w, g in zip(weights, grads)], loss

    return step


subject = make
