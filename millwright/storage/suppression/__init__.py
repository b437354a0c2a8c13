"""Shelves and windows: which verdicts do not act, by whose word, and until when."""
