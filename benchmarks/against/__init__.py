"""Compares this build with an earlier one, in alternating runs on one machine."""
