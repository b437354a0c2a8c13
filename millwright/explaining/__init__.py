"""Explains why something was done or not done, in a planner's words and with the numbers."""
