"""Trains a detector on exported labels, and judges it once against the shipped policy."""
