"""The record as an auditor reads it, from one snapshot of the database."""
