import pandas as pd

from compare.show.figures.check_map import from_one


def test_tensors_of_one_layer_that_are_called_alike_are_told_apart():
    states = pd.DataFrame(
        {"what": "full batch", "step": [0, 0, 1, 1], "layer": 1.0, "tensor": "state", "ratio": [0.0, 0.1, 0.2, 0.3]}
    )
    found = from_one(states)
    assert list(found["label"]) == ["state 2", "state 2 (2)"] * 2
    assert found.pivot(index="label", columns="step", values="ratio").loc["state 2 (2)", 2] == 0.3
