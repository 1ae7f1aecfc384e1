"""Simulations with a known truth, of what the project's own SQL and Python say about it."""
