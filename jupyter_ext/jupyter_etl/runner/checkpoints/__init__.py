"""Checkpoints of failed attempts, and runs that resume from them."""
