"""The plant behind the sandbox's servers: its data, its detector, its feed, its people, and the score."""
