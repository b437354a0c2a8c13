"""Reports: answers that are computed from as much of the record as there is, each in a process of its own."""
