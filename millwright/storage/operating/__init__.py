"""What machines do, as an MES says it: kept by reading, and found for the time of an event."""
