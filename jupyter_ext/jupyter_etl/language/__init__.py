"""Text and model: the one parser and formatter behind the magic, the command line and the server.

Nothing here reads the clock, the ledger or the network; `source` looks into folders.
"""
