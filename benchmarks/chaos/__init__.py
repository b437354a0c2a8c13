"""The plant played while its parts are killed and its other systems misbehave; what must be zero is counted at the end.

Run as `python -m benchmarks.chaos --seed N`; see docs/reliability.md.
"""
