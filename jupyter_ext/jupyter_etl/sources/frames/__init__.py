"""Frames and Python objects as Arrow tables."""
