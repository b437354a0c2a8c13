"""This build measured against an earlier one, in turns on one machine."""
