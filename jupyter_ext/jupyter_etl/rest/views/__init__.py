"""The responses of the REST API: frozen structs, and functions that create them from the model."""
