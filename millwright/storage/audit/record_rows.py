"""The rows of the record as `millwright.storage.audit.record` reads them."""

from datetime import datetime
from typing import NamedTuple


class LedgerRow(NamedTuple):
    """A row of the ledger, with the installation's attestation of it, if it has one."""

    seq: int
    at: datetime
    leaves: int
    root: str
    previous: str
    hash: str
    attestation: str | None


class VerdictRow(NamedTuple):
    """A verdict with the event it was given on; the event's columns are None where it is gone."""

    id: int
    ledger_seq: int
    leaf: int
    body: str
    digest: str
    memory: str
    version: str
    revision: int
    role: str
    rung: int
    asset: str
    failure_mode: str
    position: str
    at: datetime
    event_id: int
    source: str | None
    external_id: str | None
    natural_key: str | None
    event_asset: str | None
    event_failure_mode: str | None
    event_position: str | None
    event_at: datetime | None
    anomaly: str | None


class ActRow(NamedTuple):
    """An act."""

    id: int
    ledger_seq: int
    leaf: int
    kind: str
    subject: str
    actor: str
    at: datetime
    body: str
    digest: str


class EventRow(NamedTuple):
    """An event that carries an anomaly."""

    id: int
    source: str
    external_id: str
    natural_key: str | None
    asset: str
    failure_mode: str
    position: str
    at: datetime
    fate: str | None
    anomaly: str


class VersionRow(NamedTuple):
    """A policy version."""

    digest: str
    policy: str
    version: str
    document: str
    author: str
    published_at: datetime


class SignatureRow(NamedTuple):
    """A signature."""

    id: int
    digest: str
    act: str
    person: str
    meaning: str
    at: datetime
    signature: str


class AssignmentRow(NamedTuple):
    """Where a version judges."""

    id: int
    digest: str
    role: str
    line: str | None
    site: str | None
    asset_class: str | None
    percent: float | None
    effective_from: datetime
    effective_to: datetime | None
    by: str
    reason: str
    signature_id: int
    recorded_at: datetime
    expires_at: datetime | None
    replaces: str | None
    band: str | None


class EndRow(NamedTuple):
    """That an assignment ended before its time; `digest` is the version's."""

    digest: str
    assignment: int
    at: datetime
    recorded_at: datetime
    by: str
    cause: str
    reason: str
    signature_id: int | None


class EvidenceRow(NamedTuple):
    """What a machine found of a version."""

    digest: str
    kind: str
    result: str
    at: datetime
    by: str
    body: str


class DraftRow(NamedTuple):
    """A saved draft, without its text."""

    policy: str
    version: str
    revision: int
    digest: str
    author: str
    saved_at: datetime
    reason: str


class AutonomyRow(NamedTuple):
    """A move of autonomy."""

    id: int
    policy: str
    asset_class: str
    failure_mode: str
    move: str
    confirmed: int
    wrong: int
    at: datetime
    by: str
    reason: str
    digest: str | None
    signature: object


class ContextRow(NamedTuple):
    """A context as it was hashed."""

    digest: str
    body: str


class UnjudgedRow(NamedTuple):
    """An event that is said to be decided, and has no verdict."""

    id: int
    source: str
    external_id: str


class SetAsideRow(NamedTuple):
    """An event that the watch set aside."""

    source: str
    external_id: str
    asset: str
    failure_mode: str
    position: str
    at: datetime
    anomaly: str


class MemoryKeyRow(NamedTuple):
    """Whose memory it is."""

    version: str
    asset: str
    failure_mode: str


class MemoryRow(NamedTuple):
    """A memory that a verdict left behind."""

    memory: str


class SiteRow(NamedTuple):
    """A site on which an asset was once registered, an empty text for none."""

    asset: str
    site: str


class SubjectRow(NamedTuple):
    """What there are acts on."""

    subject: str


class ActBodyRow(NamedTuple):
    """What an act says, and on what it is."""

    subject: str
    body: str


class CaseIdRow(NamedTuple):
    """The id of a case."""

    case: str


class EventIdRow(NamedTuple):
    """The id of an event."""

    event: int


class CountRow(NamedTuple):
    """How many there are."""

    number: int
