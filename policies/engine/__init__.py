"""The policy engine: judges an anomaly under a version, and explains the judgement."""
