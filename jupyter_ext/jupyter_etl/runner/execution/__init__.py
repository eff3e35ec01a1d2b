"""Execution of a notebook by papermill in a kernel."""
