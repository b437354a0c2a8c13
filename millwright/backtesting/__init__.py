"""Backtests of policies: stored events are judged again and joined to their outcomes."""
