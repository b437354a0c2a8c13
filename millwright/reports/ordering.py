"""What the process of a report is asked and answers, without what it computes with."""

import sys
from typing import Final, Literal

from domain.model import Model, Moment

LARGEST: Final = 1 << 30
"""Bytes of address space."""
LONGEST: Final = 60
"""Seconds for everything, and for each statement of the database."""
OUT_OF_MEMORY: Final = 3
"""The exit code of a report that needed more memory."""
COMMAND: Final = (sys.executable, "-m", "millwright.reports.making")

ReportName = Literal[
    "audit",
    "summary",
    "floods",
    "usual-band",
    "missed-failures",
    "quality",
    "quality-alarms",
    "quality-load",
    "quality-blame",
]


class ReportOrder(Model):
    """The report that is wanted.

    Args:
        database_url: with the password, so it is passed on stdin.
        now: the plant's time.
        terms: the parameters of the report, as JSON values.
        written: whether an answer to an auditor is written as JSON or CSV.
    """

    report: ReportName
    database_url: str
    now: Moment
    terms: dict[str, object] = {}
    written: Literal["json", "csv"] = "json"


class ReportMade(Model):
    """The first line of the answer: that the report follows, or why there is none."""

    result: Literal["made", "refused", "rejected", "away", "fault"]
    problem: str = ""
    field: str | None = None
    fix: str | None = None
