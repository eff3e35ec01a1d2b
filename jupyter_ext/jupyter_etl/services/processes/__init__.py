"""Entry points of the processes that make attempts."""
