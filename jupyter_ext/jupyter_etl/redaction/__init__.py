"""Finds the values of secrets in text, in any encoding, and takes them out."""
