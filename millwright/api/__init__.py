"""The HTTP API: events come in, people and other programs read and decide."""
