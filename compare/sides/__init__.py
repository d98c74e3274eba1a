"""The two sides: the scratch network and Keras, each built from one description."""
