"""The processes that answer the calls of one version of an endpoint."""
