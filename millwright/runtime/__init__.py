"""The basics of every process: home, clock, log and embedded servers."""
