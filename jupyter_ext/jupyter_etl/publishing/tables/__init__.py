"""Published tables (Delta)."""
