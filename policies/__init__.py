"""Policies: the language they are written in, and all that judges, proves, checks and measures them."""
