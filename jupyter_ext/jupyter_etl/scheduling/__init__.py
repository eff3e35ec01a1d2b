"""Decisions without drivers: when a run is due, what becomes of it, whose fault a failure is.

Nothing here opens a file, a socket or a database; `Clock` alone knows the time, and what is drawn
at random is drawn by a function that is passed in.
"""
