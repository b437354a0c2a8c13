"""The signatures on a version, and whether they allow it to judge."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.approvals import APPROVE, EMERGENCY, ROLES, WITHDRAW, Approval, Blast, approved_at, withdraws_version
from domain.canonical import timestamp
from domain.errors import ActRejected, PolicyRejected
from domain.keys import earlier_statement, signed_statement

FRESH = timedelta(minutes=5)
"""How old a signature may be. An older one may be a replay."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A person's signature over a version. `public_key` is the key for checking it, in hexadecimal."""

    act: str
    person: str
    meaning: str
    at: datetime
    signature: str
    public_key: str

    def holds(self, digest: str) -> bool:
        """Whether the signature is valid for this key and digest, also in the form of earlier builds."""
        earlier = earlier_statement(digest, self.act, self.meaning, timestamp(self.at))
        return self.holds_now(digest) or verifies(self.public_key, earlier, self.signature)

    def holds_now(self, digest: str) -> bool:
        """Whether the signature is valid for this key and digest, in the form that is signed now."""
        statement = signed_statement(digest, self.act, self.meaning, timestamp(self.at), self.person)
        return verifies(self.public_key, statement, self.signature)


def verifies(public_key: str, message: bytes, signature: str) -> bool:
    """Whether an Ed25519 signature over a message is valid for a key; both in hexadecimal."""
    # Imported here because it needs six megabytes, and a process that only stores events never uses it.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def check_fresh(at: datetime, now: datetime) -> None:
    """Refuses a signature that was not made just now.

    One that is ahead of our time is refused too. It would count only later, when its key or role may have ended.

    Raises:
        ActRejected: its time is ahead of ours, or more than `FRESH` before it.
    """
    if not timedelta() <= now - at <= FRESH:
        raise ActRejected(
            f"the signature is of {timestamp(at)}, not of now, {timestamp(now)}",
            field="at",
            fix="sign again, with the time that `GET /me` answers",
        )


@dataclass(frozen=True, slots=True)
class Signed:
    """A stored signature with the key and the roles that the signer had then, and when the signer left."""

    id: int
    signature: Signature
    roles: frozenset[str]
    left_at: datetime | None

    def fault(self, digest: str) -> str | None:
        """The fault of the signature, as text; None if it is valid."""
        signature = self.signature
        name = f"the {signature.act} signature of {signature.person} on {digest[:12]}"
        if signature.act not in ROLES or not signature.holds(digest):
            return f"{name} is not theirs"
        if self.left_at is not None and signature.at >= self.left_at:
            return f"{name} was made after they had left"
        if self.roles.isdisjoint(ROLES[signature.act]):
            return f"{name} takes the role {' or '.join(sorted(ROLES[signature.act]))}, which they do not hold"
        return None


@dataclass(frozen=True, slots=True)
class SignedVersion:
    """A version with everything that decides whether it may judge.

    `authors` are the people who saved its drafts. `first_light` is whether it was published before any version was ever
    in force.
    """

    digest: str
    author: str
    authors: frozenset[str]
    signed: tuple[Signed, ...]
    blasts: tuple[Blast, ...] = ()
    first_light: bool = False

    @property
    def barred(self) -> frozenset[str]:
        """The people whose approval does not count."""
        breakers = {signed.signature.person for signed in self.signed if signed.signature.act == EMERGENCY}
        return self.authors | {self.author} | breakers

    @property
    def approvals(self) -> list[Approval]:
        """All approvals, also those that do not count."""
        return [
            Approval(signed.signature.person, signed.signature.at)
            for signed in self.signed
            if signed.signature.act == APPROVE
        ]

    def approved_by_others_than(self, person: str) -> bool:
        """Whether an approval that counts is by somebody else."""
        return bool({approval.person for approval in self.approvals} - self.barred - {person})

    @property
    def approved_at(self) -> datetime | None:
        """When it had enough approvals; None while it has not."""
        return approved_at(self.approvals, self.barred, self.blasts, first_light=self.first_light)

    @property
    def withdrawn_at(self) -> datetime | None:
        """When it was withdrawn; None if it was not."""
        return min((signed.signature.at for signed in self.signed if _withdraws(signed.signature)), default=None)

    def check_signatures(self) -> None:
        """Refuses a version with an invalid signature.

        Raises:
            PolicyRejected: a signature is forged, or its signer had left or does not have the role.
        """
        for signed in self.signed:
            fault = signed.fault(self.digest)
            if fault is not None:
                raise PolicyRejected(fault)

    def check(self) -> None:
        """Refuses a version that may not judge.

        Raises:
            PolicyRejected: a signature is invalid, or there are too few approvals and no emergency.
        """
        self.check_signatures()
        if self.approved_at is None and all(signed.signature.act != EMERGENCY for signed in self.signed):
            raise PolicyRejected(self.lacking())

    def lacking(self) -> str:
        """Why it is not approved, as text."""
        people = sorted({approval.person for approval in self.approvals} - self.barred)
        if not people:
            return f"version {self.digest[:12]} has no approval by anyone but its author {self.author}"
        return f"version {self.digest[:12]} has too few approvals: only {', '.join(people)} gave theirs"


def _withdraws(signature: Signature) -> bool:
    return signature.act == WITHDRAW and withdraws_version(signature.meaning)
