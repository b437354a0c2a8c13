"""The evaluation of a version on the stored past: would-be cases, their score, and better drafts."""
