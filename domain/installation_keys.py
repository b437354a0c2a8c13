"""The installation's key: what administrators sign about it, and what it signs itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.canonical import canonical, timestamp

REGISTER, END, CONFIRM = "register", "end", "confirm"
KINDS: Final = {
    REGISTER: "installation-key-registered",
    END: "installation-key-ended",
    CONFIRM: "installation-key-confirmed",
}
"""The kind of the ledger's act for each act on an installation key."""


@dataclass(frozen=True, slots=True)
class InstallationKeyAct:
    """An act on an installation key, as an administrator signs it. A registered key takes the place of the former one.

    `public_key` is in hexadecimal; `confirms` is the SHA-256 of the text that a second administrator confirms.
    """

    act: str
    public_key: str
    by: str
    at: datetime
    confirms: str | None = None

    @property
    def text(self) -> str:
        """The signed text: canonical JSON."""
        told = {
            "statement": "millwright installation key 1",
            "act": self.act,
            "public_key": self.public_key,
            "by": self.by,
            "at": timestamp(self.at),
            "confirms": self.confirms,
        }
        return canonical({name: value for name, value in told.items() if value is not None}).decode()


def key_subject(public_key: str) -> str:
    """What the ledger calls an installation key."""
    return f"installation-key/{public_key}"


def attestation_statement(nonce: str, at: datetime, leaves: int, root: str) -> bytes:
    """What the installation signs of a ledger row: all that its transaction recorded.

    Args:
        nonce: 128 random bits in hexadecimal, so that no attestation comes twice.
        at: the time of the row.
        leaves: the number of its leaves.
        root: their Merkle root.
    """
    told = {"statement": "millwright attestation 1", "nonce": nonce, "at": timestamp(at), "leaves": leaves}
    return canonical({**told, "root": root})
