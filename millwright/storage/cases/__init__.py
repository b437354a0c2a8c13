"""Cases and holds: opened and fed by verdicts, moved on by the steps of a workflow."""
