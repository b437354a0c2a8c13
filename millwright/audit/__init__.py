"""Checking the record: here, against the published head, and anywhere else with nothing but standard Python."""
