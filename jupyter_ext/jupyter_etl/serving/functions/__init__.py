"""Python functions as endpoints: their types, what is captured of them, and their execution."""
