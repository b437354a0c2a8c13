"""Verifies the record: here, against the published head, and on any other machine with only standard Python."""
