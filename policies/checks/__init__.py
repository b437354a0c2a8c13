"""The checks of a draft before people approve it: its cases, its gaps, and its changes."""
