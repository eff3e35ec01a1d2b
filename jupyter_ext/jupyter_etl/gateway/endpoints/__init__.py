"""Endpoints over HTTP: calls, the workers that answer them, and what describes them."""
