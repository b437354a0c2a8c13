"""Why something was done, and why it was not, in a planner's words and with the numbers."""
