"""The settings that steer: which they are, and how each process records those that it runs with."""
