"""The responses of the REST API: frozen structs, and functions that make them of the model's values."""
