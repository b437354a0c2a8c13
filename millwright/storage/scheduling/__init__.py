"""Due rows: what has to be looked at, and when."""
