"""Runs: start, look up, resume."""
