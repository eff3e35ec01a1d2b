"""The operations of the REST API, one file per noun, without logic of their own."""
