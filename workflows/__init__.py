"""The Temporal workflows: deterministic, with small histories. They know no other system than the engine."""
