"""Whom a case waits for whose order people put off until a day."""

from datetime import datetime


def put_off_words(number: str, until: datetime, now: datetime) -> str:
    """Whom the order of this number waits for that people put off until a time. Nobody is asked before that."""
    when = f"{until:%Y-%m-%d %H:%M} UTC"
    if now < until:
        return f"the technician to do {number}, which the planner put off until {when}"
    return f"the planner to take up {number} again: it was put off until {when}, and is still on hold"
