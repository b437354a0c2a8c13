"""The alarms of a production line (ISA-18.2)."""

from datetime import datetime
from typing import NamedTuple


class Alarm(NamedTuple):
    """An alarm: its event time and its fault. A plain tuple, because a flood has tens of thousands of alarms."""

    at: datetime
    asset: str
    failure_mode: str


class BoardAlarm(NamedTuple):
    """An alarm with the severity of its first verdict."""

    alarm: Alarm
    severity: str
