"""The way from a function process to its core."""
