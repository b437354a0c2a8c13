"""The offline verifier's check of walk-downs: each row against its acts, and each word against its signature. Uses only
standard Python."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from millwright.audit.offline_people import RecordedPeople, key_as_of
from millwright.audit.offline_signatures import (
    STATEMENT,
    OfflineFinding,
    Row,
    canonical_text,
    differing,
    hex_holds,
    stamp_of,
)

WALK_DOWN = "walk-down/"
"""How the subjects of acts on walk-downs begin."""
_WORDS = {"walk-down-begun": ("begun", "begin-walk-down"), "walk-down-looked": ("looked", "look")}
"""For each kind of act that bears a signed word, its field and the act that is signed."""
_ENDS = ("failed", "ended", "withdrawn")
_EMPTY = {
    "looked": None, "release": None, "plan": None, "intended_at": None, "accepted_at": None, "held_at": None,
    "release_called_at": None, "released_at": None, "ended_at": None, "reason": None, "found": None,
}  # fmt: skip


def walk_down_findings(key: str, rows: Iterable[Row], acts: Iterable[Row]) -> Iterator[OfflineFinding]:
    """Compares a walk-down with its acts.

    Args:
        key: its key.
        rows: the row of this key, or none if it is missing.
        acts: the bodies of its acts, oldest first.
    """
    where = f"walk-down {key}"
    told: Row = {}
    for act in acts:
        yield from _follow(where, told, act)
    row = next(iter(rows), None)
    if row is None:
        yield OfflineFinding("walk-down", where, "was recorded, and is gone")
    elif not told:
        yield OfflineFinding("walk-down", where, "was never recorded")
    elif wrong := differing(row, {"key": key, **told}, tuple(row)):
        yield OfflineFinding("walk-down", where, f"{wrong} is not as recorded")


def _follow(where: str, told: Row, act: Row) -> Iterator[OfflineFinding]:
    """Applies an act to what is known of a walk-down, and finds what the store never does."""
    what, at, detail = act["kind"].removeprefix("walk-down-"), act["at"], act["detail"]
    if what == "begun":
        if told:
            yield OfflineFinding("walk-down", where, "was begun more than once")
        told |= {**_EMPTY, **{name: detail[name] for name in ("machine", "system", "equipment", "begun")}}
        told |= {"state": "begun", "begun_at": at}
    elif what == "intended":
        told |= {"plan": detail["plan"], "intended_at": at}
    elif what == "accepted":
        told["accepted_at"] = at
    elif what == "held":
        told |= {"state": "held", "held_at": detail["read_at"], "accepted_at": told["accepted_at"] or at}
    elif what == "doubted":
        told |= {"state": "unproven", "reason": told["reason"] or detail["reason"], "release": None}
    elif what == "faulted":
        told["reason"] = detail["reason"]
    elif what == "looked":
        told |= {"state": "looked", "looked": detail["looked"]}
    elif what == "releasing":
        told |= {"state": "releasing", "release": detail["release"]}
    elif what == "release-lapsed":
        told |= {"state": "looked" if told["looked"] else "held", "release": None}
    elif what == "release-called":
        if detail["unanswered"] and told["state"] != "releasing":
            yield OfflineFinding("walk-down", where, "the MES was told to let a job run, and nobody had released it")
        told["release_called_at"] = at if detail["unanswered"] else None
    elif what == "proved":
        yield from _unproved(where, told)
        told |= {"state": "proved", "released_at": detail["read_at"]}
    elif what == "suspended":
        told |= {"state": "suspended", "found": detail["found"]}
    elif what == "resumed":
        told |= {"state": "proved", "found": None}
    elif what in _ENDS:
        told |= {"state": what, "ended_at": at, "reason": told["reason"] or detail["reason"]}
        if detail.get("read_at") is not None:
            told["released_at"] = detail["read_at"]


def _unproved(where: str, told: Row) -> Iterator[OfflineFinding]:
    """What a proof lacks."""
    begun, looked, release = told["begun"], told["looked"], told["release"]
    lacks = [
        words
        for there, words in (
            (told["state"] == "releasing" and release is not None, "the release of production"),
            (looked is not None, "the look of maintenance"),
            (told["held_at"] is not None, "a reading of the job as held"),
            (told["plan"] is not None and told["plan"].get("target") is not None, "a target"),
            (told["reason"] is None, "a walk-down without a fault"),
        )
        if not there
    ]
    if lacks:
        yield OfflineFinding("walk-down", where, f"counts as a proof without {', '.join(lacks)}")
    elif looked["by"] in (begun["by"], release["by"]):
        yield OfflineFinding("walk-down", where, f"{looked['by']} acted for production and for maintenance")


class WalkDownActs:
    """Follows the acts on walk-downs in the order of the ledger, and checks the signatures of the persons.

    Args:
        people: the persons of the acts before.
        holds: whether a signature over a message is valid for a key.
    """

    def __init__(self, people: RecordedPeople, holds: Callable[[str, bytes, str], bool] = hex_holds) -> None:
        self._people = people
        self._holds = holds
        self._told: dict[str, Row] = {}
        """For each walk-down its machine, system and equipment, and the target of its plan."""

    def follow(self, where: str, act: Row) -> Iterator[OfflineFinding]:
        """Checks one act.

        Args:
            where: the act's name.
            act: its body.
        """
        kind, subject, detail = act["kind"], act["subject"], act["detail"]
        if kind == "walk-down-begun":
            self._told[subject] = {name: detail[name] for name in ("machine", "system", "equipment")}
        told = self._told.get(subject, {})
        if kind == "walk-down-intended":
            told["target"] = detail["plan"].get("target")
        elif kind in _WORDS:
            field, signed = _WORDS[kind]
            yield from self._word(where, subject, signed, told, detail[field], act["actor"])
        elif kind == "walk-down-releasing":
            yield from self._release(where, subject, told, detail["release"], act["actor"])

    def _word(
        self, where: str, subject: str, signed: str, told: Row, word: Row, actor: str
    ) -> Iterator[OfflineFinding]:
        looks = signed == "look"
        message: Row = {name: told.get(name) for name in ("machine", "system", "equipment")}
        message |= {"statement": STATEMENT, "act": signed, "person": word["by"], "meaning": word["meaning"]}
        message["walk_down"] = subject.removeprefix(WALK_DOWN) if looks else None
        message["target"] = hashlib.sha256(canonical_text(told["target"])).hexdigest() if looks else None
        yield from self._signature(where, message, word, actor)

    def _release(self, where: str, subject: str, told: Row, release: Row, actor: str) -> Iterator[OfflineFinding]:
        message: Row = {"statement": STATEMENT, "act": "release-hold", "hold": subject.removeprefix(WALK_DOWN)}
        message |= {"equipment": told.get("equipment"), "reason": release["reason"]}
        message |= {"meaning": release["meaning"], "person": release["by"]}
        yield from self._signature(where, message, release, actor)

    def _signature(self, where: str, message: Row, signed: Row, actor: str) -> Iterator[OfflineFinding]:
        by, at = signed["by"], stamp_of(signed["at"])
        person = self._people.people.get(by)
        key = key_as_of(person, at) if person is not None else ""
        if by != actor or not self._holds(key, canonical_text({**message, "at": at}), signed["signature"] or ""):
            yield OfflineFinding("actor", where, f"bears no signature of {actor} over this")


PROOF_KINDS = ("hold-intended", "placement-intended", "placement-passed")
"""The kinds of acts on holds that `Proofs` follows, beside those on walk-downs."""


class Proofs:
    """Follows the acts in the order of the ledger, and checks that each placement had a proof in force.

    Earlier builds placed holds without a proof, and without a target in the plan. From the first walk-down on a
    placement without either is named, whichever build made it.
    """

    def __init__(self) -> None:
        self._begun = False
        self._systems: dict[Any, tuple[Any, Any]] = {}
        """The system and the equipment of each hold."""
        self._plans: dict[tuple[Any, Any], Row] = {}
        self._walk_downs: dict[str, Row] = {}
        """For each walk-down its system, its equipment and the target of its plan."""
        self._in_force: dict[tuple[Any, Any], str] = {}
        """For each system and equipment the walk-down that proves it."""

    def follow(self, act: Row) -> Iterator[OfflineFinding]:
        """Checks one act."""
        kind, subject, detail = act["kind"], act["subject"], act["detail"]
        if subject.startswith(WALK_DOWN):
            self._follow(kind.removeprefix("walk-down-"), subject, detail)
        elif kind == "hold-intended" and "system" in detail:
            self._systems[detail["hold"]] = detail["system"], detail["equipment"]
        elif kind == "placement-intended":
            self._plans[detail["hold"], detail["placement"]] = detail["plan"]
            yield from self._check(detail)
        elif kind == "placement-passed":
            yield from self._check(detail)

    def _follow(self, what: str, subject: str, detail: Row) -> None:
        if what == "begun":
            self._begun = True
            self._walk_downs[subject] = {"at": (detail["system"], detail["equipment"]), "target": None}
        told = self._walk_downs.get(subject)
        if told is None:
            return
        if what == "intended":
            told["target"] = detail["plan"].get("target")
        elif what in ("proved", "resumed"):
            self._in_force[told["at"]] = subject
        elif what in ("suspended", "ended", "withdrawn") and self._in_force.get(told["at"]) == subject:
            del self._in_force[told["at"]]

    def _check(self, detail: Row) -> Iterator[OfflineFinding]:
        key, number = detail["hold"], detail["placement"]
        plan = self._plans.get((key, number), {})
        target = plan.get("target")
        if target is None and not self._begun:
            return
        proof = self._in_force.get(self._systems.get(key, (None, None)))
        if proof is None or target is None or self._walk_downs[proof]["target"] != target:
            what = f"placement {number} was placed without a proof of what it stops"
            yield OfflineFinding("hold", f"hold {key}", what)
