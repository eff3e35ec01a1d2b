"""Execution of one attempt: the runner with its kernel, and the executors that start runners."""
