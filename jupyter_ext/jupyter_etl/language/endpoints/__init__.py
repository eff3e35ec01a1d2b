"""Declarations of endpoints: whether a version keeps the contract of the one before."""
