"""Shared by several test modules: plants, stores in memory, people, faults to inject."""
