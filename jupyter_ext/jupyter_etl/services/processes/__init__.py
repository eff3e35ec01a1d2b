"""Entry points of runner processes."""
