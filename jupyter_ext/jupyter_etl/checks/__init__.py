"""Check runners: they apply rules to data in one pass over it."""
