"""Endpoints: functions and queries that are served as APIs, by processes of their own."""
