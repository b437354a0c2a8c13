"""Waivers whose end is near or past: exceptions that somebody has to renew, in a new version, or to see out."""

from datetime import datetime, timedelta

from domain.model import Model, Moment
from policies.language.inheritance import spoken
from policies.language.schema import PolicyDocument

NOTICE = timedelta(days=14)
"""So long before its end a waiver is told of."""


class WaiverNotice(Model):
    """A waiver that ends soon or has ended. `scope` says what it is for in words."""

    policy: str
    version: str
    waiver: str
    scope: str
    rules: tuple[str, ...]
    owner: str
    reason: str
    until: Moment
    ended: bool

    @property
    def words(self) -> str:
        """For whoever has to do something about it."""
        ends = "ended" if self.ended else "ends"
        return (
            f"waiver {self.waiver} of {self.policy} {self.version} for {self.scope} {ends} on "
            f"{self.until:%Y-%m-%d %H:%M} UTC (owner {self.owner}): {self.reason}"
        )


def waiver_notices(document: PolicyDocument, now: datetime) -> tuple[WaiverNotice, ...]:
    """The waivers of a version that end within `NOTICE`, or have ended, the first to end first."""
    return tuple(
        WaiverNotice(
            policy=document.policy,
            version=document.version,
            waiver=waiver.id,
            scope=spoken(waiver.scope),
            rules=waiver.rules,
            owner=waiver.owner,
            reason=waiver.reason,
            until=waiver.until,
            ended=waiver.until <= now,
        )
        for waiver in sorted(document.waivers, key=lambda each: (each.until, each.id))
        if waiver.until - now <= NOTICE
    )
