"""The offline verifier's check of attestations: each ledger row in which a person acted with an API key alone bears the
signature of the installation key that was in force. Uses only standard Python."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from millwright.audit.offline_actors import Actors
from millwright.audit.offline_people import RecordedPeople
from millwright.audit.offline_signatures import OfflineFinding, Row, guarded, hex_holds, sha256

KEY_SUBJECTS = "installation-key/"
KEY_KINDS = {
    "register": "installation-key-registered",
    "end": "installation-key-ended",
    "confirm": "installation-key-confirmed",
}
ATTESTED_ACTS = frozenset(
    (
        "case-decided",
        "outcome-stated",
        "order-corrected",
        "failure-stated",
        "hold-answered",
        "suspect-lots-reviewed",
        "event-redriven",
        "walk-down-withdrawn",
        "shelved",
        "unshelved",
        "window-opened",
        "window-ended",
        "action-stopped",
        "action-stop-lifted",
        "policies-frozen",
        "policies-thawed",
        "policy-drafted",
        "policy-evidence",
        "register-imported",
        "alias-mapped",
        "asset-retired",
        "asset-returned",
        "asset-recorded",
        "alias-recorded",
        "observable-recorded",
        "twin-model-recorded",
        "record-settled",
        "case-called-off",
    )
)
"""The kinds of acts that the installation attests where a person does them, as in `domain.acting`."""
_NONCE = 32
_SHOWN = 12


class Attestations:
    """Follows the acts and the rows of the ledger in their order, and checks what the installation attested.

    Args:
        people: the persons of the acts before.
        holds: whether a signature over a message is valid for a key.
    """

    def __init__(self, people: RecordedPeople, holds: Callable[[str, bytes, str], bool] = hex_holds) -> None:
        self._people = people
        self._holds = holds
        self._fault = ""
        self._next: Row | None = None
        self._in_force: str | None = None
        self._ever: set[str] = set()
        self._waiting: Row | None = None
        self._used: dict[str, str] = {}
        self.recorded: list[Row] = []
        """The rows on installation keys that the acts lead to."""
        self.unattested = 0
        """The number of acts of persons that were recorded while no key was in force."""

    def rows(self, rows: Iterator[Row], upto: int | None) -> Iterator[OfflineFinding]:
        """Checks the next rows of the ledger, up to this number; None for all that are left."""
        while True:
            self._next = self._next or next(rows, None)
            if self._next is None or (upto is not None and self._next["seq"] > upto):
                return
            row, self._next = self._next, None
            yield from guarded(f"ledger row {row['seq']}", self.row(row))

    def row(self, row: Row) -> Iterator[OfflineFinding]:
        """Checks the attestation of a ledger row, before its acts; sets what `act` says of them.

        Args:
            row: the ledger row, with its `attestation`, which is absent in exports of earlier builds.
        """
        attestation, where = row.get("attestation"), f"ledger row {row['seq']}"
        self._fault = "" if self._in_force is None else "has no attestation"
        if attestation is None:
            return
        if self._in_force is None:
            self._fault = ""
            yield OfflineFinding("attestation", where, "is attested, although no installation key was in force")
            return
        nonce, signature = attestation[:_NONCE], attestation[_NONCE:]
        if nonce in self._used:
            self._fault = f"bears the attestation of {self._used[nonce]} a second time"
        elif not self._holds(self._in_force, _statement(nonce, row), signature):
            self._fault = f"has an attestation that is not by the key in force, {self._in_force[:_SHOWN]}"
        else:
            self._fault = ""
            self._used[nonce] = where
        if self._fault:
            yield OfflineFinding("attestation", where, self._fault)

    def act(self, where: str, act: Row) -> Iterator[OfflineFinding]:
        """Checks an act of the ledger row that was checked last.

        Args:
            where: the act's name.
            act: its body.
        """
        if act["subject"].startswith(KEY_SUBJECTS):
            for what in self._key_act(act):
                yield OfflineFinding("installation-key", where, what)
        elif act["kind"] in ATTESTED_ACTS and act["actor"] in self._people.people:
            if self._in_force is None:
                self.unattested += 1
            elif self._fault:
                yield OfflineFinding(
                    "attestation", where, f"is in the name of {act['actor']}, and its row {self._fault}"
                )

    def _key_act(self, act: Row) -> Iterator[str]:
        """Takes an act on a key. One with a fault has no effect, so that the key before it stays in force."""
        detail = act["detail"]
        said = json.loads(detail["text"])
        key = act["subject"][len(KEY_SUBJECTS) :]
        written = {"text": detail["text"], "by": said["by"], "at": act["at"], "signature": detail["signature"]}
        written |= {"proof": detail["proof"], "waits": detail["waits"], "confirms": said.get("confirms")}
        self.recorded.append(written)
        faults = list(self._key_faults(act, said, key))
        yield from faults
        waiting, self._waiting = self._waiting, None
        if faults:
            return
        if waiting is not None and said["act"] == "confirm":
            self._take_effect(json.loads(waiting["text"]))
        elif detail["waits"]:
            self._waiting = written
        else:
            self._take_effect(said)

    def _key_faults(self, act: Row, said: Row, key: str) -> Iterator[str]:
        detail = act["detail"]
        if (KEY_KINDS.get(said["act"]), said["public_key"], said["by"]) != (act["kind"], key, act["actor"]):
            yield "is not what was signed"
            return
        yield from self._people.signature_faults(act, said, administrator=True)
        if said["act"] == "confirm":
            waiting = self._waiting
            if waiting is None or sha256(waiting["text"]) != said["confirms"] or waiting["by"] == said["by"]:
                yield "confirms nothing that waited for this administrator"
            return
        if said["act"] == "end" and key != self._in_force:
            yield "ends a key that was not in force"
        if said["act"] == "register" and not self._holds(key, detail["text"].encode(), detail["proof"] or ""):
            yield "bears no proof of the new key"
        if said["act"] == "register" and key in self._ever:
            yield "registers a key that was in force before"
        if detail["waits"] != self._people.another_administrator(said["by"], act["at"]):
            yield "whether a second administrator had to confirm it is not as it was"

    def _take_effect(self, said: Row) -> None:
        self._in_force = said["public_key"] if said["act"] == "register" else None
        self._ever.add(said["public_key"])


def key_findings(rows: Sequence[Row], recorded: Sequence[Row]) -> Iterator[OfflineFinding]:
    """Compares the rows on installation keys with those that the acts lead to, in their order."""
    for number in range(max(len(rows), len(recorded))):
        where = f"act {number + 1} on an installation key"
        if number >= len(rows):
            yield OfflineFinding("installation-key", where, "was recorded, and is gone")
        elif number >= len(recorded):
            yield OfflineFinding("installation-key", where, "was never recorded")
        elif wrong := ", ".join(name for name, told in recorded[number].items() if rows[number][name] != told):
            yield OfflineFinding("installation-key", where, f"{wrong} is not as recorded")


def notices(actors: Actors, attestations: Attestations) -> Iterator[str]:
    """What no finding is, and whoever reads the result should know, in sentences."""
    if attestations.unattested:
        yield f"{attestations.unattested} acts of persons were recorded while no installation key was in force"
    if actors.recorded.unshown_codes:
        yield f"{actors.recorded.unshown_codes} enrolments of earlier builds do not show the code that was used"


def _statement(nonce: str, row: Row) -> bytes:
    told = {"statement": "millwright attestation 1", "nonce": nonce}
    told |= {name: row[name] for name in ("at", "leaves", "root")}
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()
