"""What is trained and how, as plain values that every side reads."""
