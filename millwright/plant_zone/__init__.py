"""MES instances, and the worker that calls one from the plant's zone. Nothing here knows storage or other systems."""
