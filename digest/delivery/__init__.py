"""One edition to each reader: planning, the ledger, sending, retries, transports."""
