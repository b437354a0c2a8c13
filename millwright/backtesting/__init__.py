"""Policies against the past: stored events judged again, joined to what became of them."""
