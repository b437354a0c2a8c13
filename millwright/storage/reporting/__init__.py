"""Queries for people and programs: lists, figures, the condition of storage, and past events."""
