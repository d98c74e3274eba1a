"""Which line of the user's own file makes the first wrong number: found by value, for any code."""
