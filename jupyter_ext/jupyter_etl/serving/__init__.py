"""Endpoints: functions and queries that are called over HTTP, and the processes that run them."""
