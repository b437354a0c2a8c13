"""The transaction that judges the events of a line."""
