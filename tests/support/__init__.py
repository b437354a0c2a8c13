"""What several test modules share: plants, stores in memory, people, faults to inject."""
