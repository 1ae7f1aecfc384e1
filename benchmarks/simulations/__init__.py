"""Simulations with a known truth: the project's own SQL and Python on made-up customers."""
