"""Runs the sandbox plant: every part as a separate process, one clock in lock-step, and a summary at the end."""
