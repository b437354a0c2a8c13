"""The work that was done on assets, as a CMMS tells it: kept by reading, and found for the time of an event."""
