"""What `%etl` and ``import jupyter_etl as etl`` do with data inside a kernel."""
