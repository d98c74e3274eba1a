"""Finds out how a network of any shape is driven, by looking at it and by driving it; what it finds is an adapter."""
