"""Endpoints: queries and functions as APIs."""
