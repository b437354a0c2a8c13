"""Waivers that end soon or have ended. Somebody must renew them in a new version, or let them end."""

from datetime import datetime, timedelta

from domain.model import Model, Moment
from policies.language.inheritance import spoken
from policies.language.schema import PolicyDocument

NOTICE = timedelta(days=14)
"""How long before its end a waiver is listed."""


class WaiverNotice(Model):
    """A waiver that ends soon or has ended. `scope` describes its assets."""

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
        """The sentence for the people who must act."""
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
