"""Runs the plant with killed processes and faults of other systems; then counts what must be zero.

Run as `python -m benchmarks.chaos --seed N`; see docs/reliability.md.
"""
