from examples.correct import Network


def test_it_trains_as_keras_does(keras_parity):
    keras_parity.check(Network)
