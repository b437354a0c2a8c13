"""The event ingress: turns messages into rows with a fate, or rows that wait for judging."""
