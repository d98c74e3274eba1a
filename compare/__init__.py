"""The comparison: the one place where the scratch network and Keras meet."""
