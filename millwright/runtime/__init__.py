"""What every process needs before it touches storage: its home, clock, log and embedded servers."""
