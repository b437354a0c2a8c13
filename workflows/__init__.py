"""The durable stories: deterministic, small in history, and ignorant of every system but the engine."""
