"""What people do with policy versions: check drafts, set canary bands, decide autonomy."""
