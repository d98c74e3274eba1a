"""Adapters as users import them: what scratch networks really look like, declared in a line or two."""

from compare.check.subject.adapting import adapt as adapt
from compare.check.subject.places import each as each
from compare.check.subject.places import lists as lists
from compare.check.subject.places import numbered as numbered
from compare.check.subject.tensors import joined as joined
from compare.check.subject.tensors import tensor as tensor
