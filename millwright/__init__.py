"""The shell: where Millwright meets the world."""
