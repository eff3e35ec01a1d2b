"""Publishers: tables (Delta), files and reports, staged aside and committed once."""
