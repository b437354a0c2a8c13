"""Code that benchmarks share: a plant of real processes, a load on it, and a bare engine and loop to compare with."""
