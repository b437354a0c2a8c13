"""The auditor's questions, one module each; every answer comes with the ledger rows that prove it."""
