"""Commands of `%etl` and `jupyter etl`: declarations, parsers, help and completion."""
