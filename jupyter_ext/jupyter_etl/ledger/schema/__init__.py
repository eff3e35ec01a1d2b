"""Tables of the ledger, types of their columns, and rows as values of the model."""
