"""Warm runs: the fork server and what it forks ahead of time."""
