"""Publishers: tables (Delta), files and reports, staged separately and committed once."""
