"""Frozen models, keys, clock, errors and ports. This package imports nothing else of ours."""
