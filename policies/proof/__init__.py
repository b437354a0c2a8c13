"""Proofs by a solver: what a version does for every possible anomaly, not only for a sample."""
