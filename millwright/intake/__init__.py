"""The only door in: from what arrives to rows with a fate, or rows that wait for judging."""
