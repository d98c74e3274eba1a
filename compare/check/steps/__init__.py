"""The situations a subject is put into, and how far its steps lie from Keras's."""
