"""Parsers and formatters shared by the magic, the command line and the server.

Nothing here accesses the clock, the ledger or the network; `sources` lists folders.
"""
