"""Policy versions in storage: signatures, assignments, drafts, freezes, stops, autonomy, and who may sign."""
