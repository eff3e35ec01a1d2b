"""Data access inside a kernel, for `%etl` and ``import jupyter_etl as etl``."""
