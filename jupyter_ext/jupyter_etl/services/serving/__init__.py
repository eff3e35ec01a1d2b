"""What a gateway needs of the ledger and the lake: versions, copies of tables, call logs."""
