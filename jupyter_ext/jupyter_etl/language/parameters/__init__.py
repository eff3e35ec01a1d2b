"""Parameters of notebooks: declarations, literals and injection."""
