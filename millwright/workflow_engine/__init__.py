"""The client of the workflow engine, and checks of the engine's state."""
