"""Redaction of the values of secrets in text, in any encoding."""
