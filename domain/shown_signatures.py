"""How a signature is shown to people (21 CFR 11.50): the printed name, local time with UTC, and the meaning."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from domain.model import Model, Moment


class ShownSignature(Model):
    """A signature as it is shown.

    Args:
        person: the id of the signer.
        name: the printed name with the id; the id alone once the name was erased.
        at: when it was signed, in UTC.
        local: the same instant in the site's time zone, with the offset, and in UTC, as text.
        meaning: what the signature means, in the words that were signed.
    """

    person: str
    name: str
    at: Moment
    local: str
    meaning: str

    @property
    def words(self) -> str:
        """All of it, as text."""
        return f"signed by {self.name} on {self.local}: {self.meaning}"


@dataclass(frozen=True, slots=True)
class SignatureDisplay:
    """Shows signatures.

    Args:
        names: the printed names that were not erased, by id.
        zone: the site's time zone.
    """

    names: Mapping[str, str]
    zone: ZoneInfo

    def of(self, person: str, at: datetime, meaning: str) -> ShownSignature:
        """A signature as it is shown."""
        return ShownSignature(person=person, name=self.name(person), at=at, local=self.local(at), meaning=meaning)

    def name(self, person: str) -> str:
        """How a person is shown."""
        printed = self.names.get(person)
        return person if printed is None else f"{printed} ({person})"

    def local(self, at: datetime) -> str:
        """A time as `2026-01-31 13:00:00+01:00 (2026-01-31 12:00:00 UTC)`; in UTC alone where that is the zone."""
        utc = f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        return utc if self.zone.key == "UTC" else f"{at.astimezone(self.zone).isoformat(' ', 'seconds')} ({utc})"
