"""Incoming events: stored once, told apart from duplicates, and matched to the plant's assets."""
