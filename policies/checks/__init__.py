"""The checks of a draft before people approve it: its tests, its gaps, and what it changes."""
