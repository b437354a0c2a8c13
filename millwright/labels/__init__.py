"""Training labels, written for those who train models."""
