"""The check: any network beside Keras; the first divergence, and the likely fault by name."""
