"""Alerts: the blocks that tell people, and the one that tells all of them."""
