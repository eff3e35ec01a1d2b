"""Lossless inference and conversion of types from text."""
