"""The ledger: one hash-chained row for each transaction that decides or does something."""
