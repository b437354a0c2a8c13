"""Policies: their language, and the code that judges, proves, checks and measures them."""
