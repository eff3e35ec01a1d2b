"""The processes that execute the calls of an endpoint's version."""
