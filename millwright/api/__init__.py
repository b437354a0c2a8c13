"""The HTTP API: a door for events, and a desk for people and other programs."""
