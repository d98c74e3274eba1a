"""A model with something else in one of its layers, or in its loss: what known faults make of Keras's own step."""
