"""The HTTP API: it accepts events, and people and programs read and decide through it."""
