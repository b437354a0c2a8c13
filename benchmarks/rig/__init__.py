"""What the benchmarks of the whole share: a plant of real processes, a load on it, and a bare engine beside."""
