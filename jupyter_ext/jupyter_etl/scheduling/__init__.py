"""Scheduling decisions without drivers: due times, retries, verdicts and health.

Nothing here opens a file, a socket or a database. The time comes from `Clock`, and random numbers
from a function that is passed in.
"""
