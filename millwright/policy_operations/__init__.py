"""People's operations on policy versions: check drafts, set canary bands, decide autonomy."""
