"""Alarms as a production line hears them (ISA-18.2)."""

from datetime import datetime
from typing import NamedTuple


class Alarm(NamedTuple):
    """One alarm: when, in event time, and of what fault. A plain tuple, because a flood has tens of thousands."""

    at: datetime
    asset: str
    failure_mode: str
