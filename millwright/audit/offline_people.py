"""The offline verifier's check of persons: who added them, gave them roles and keys, and that the tables say the same.

Uses only standard Python. The acts on all persons are followed in their order; each signed act is checked with the key
and the roles that its signer had then. What they lead to is compared with the rows, in both directions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from millwright.audit.offline_signatures import OfflineFinding, Row, guarded, sha256, signature_holds

_PERSON_KINDS = {
    "first": "person-added",
    "add": "person-added",
    "roles": "roles-changed",
    "renew-keys": "key-renewed",
    "end-keys": "key-ended",
    "leave": "person-left",
    "erase-name": "name-erased",
    "confirm": "person-confirmed",
}
_ADMINISTRATOR = "administrator"
_ACTING = {"author", "approver", "operator", "planner", "production", "quality"}
_GIVING = ("add", "roles", "renew-keys")
SIGNED_WITHIN = timedelta(minutes=5)
"""How far the time of a signature may be from that of its record."""
_CODE_LASTS = timedelta(days=7)
_ENROLMENT = "millwright enrolment 2"
_EARLIER_ENROLMENT = "millwright enrolment 1"
"""Of earlier builds: it has the hash of the code only, which whoever read the database knew too."""
_COMPARED = ("added_at", "left_at", "roles", "keys", "acts")


def person_id(row: Row) -> str:
    """The id of a person; packs and exports of earlier builds call it the name."""
    return str(row["id"] if "id" in row else row["name"])


def key_as_of(person: Row, at: str) -> str:
    """The public key that a person signed with at a time; an empty text if none."""
    if "public_key" in person:
        return str(person["public_key"])
    held = [key for key in person["keys"] if key["kind"] == "signing" and _holds(key, at)]
    return str(held[-1]["value"]) if held else ""


def roles_as_of(person: Row, at: str) -> set[str]:
    """The roles that a person had at a time."""
    if "public_key" in person:
        return set(person["roles"])
    given = [row["roles"] for row in person["roles"] if row["from"] <= at]
    return set(given[-1]) if given else set()


def nobody() -> Row:
    """Somebody without keys and roles."""
    return {"keys": [], "roles": [], "left_at": None}


def _holds(key: Row, at: str) -> bool:
    return bool(key["from"] <= at and (key["until"] is None or at < key["until"]))


def moment_of(text: str) -> datetime:
    """A time from its text with microseconds."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)


def _span_of(text: str) -> timedelta:
    return timedelta(seconds=float(text[2:-1]))


def _stamp_of(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _verified(key: str, text: str, signature: str) -> bool:
    try:
        return signature_holds(bytes.fromhex(key), text.encode(), bytes.fromhex(signature))
    except ValueError:
        return False


def people_findings(rows: Sequence[Row], acts: dict[str, list[Row]]) -> Iterator[OfflineFinding]:
    """Checks all acts on persons, and compares everybody's rows with them.

    Args:
        rows: everybody.
        acts: the bodies of acts by subject; each has its `number` in the order of the ledger.
    """
    recorded = RecordedPeople()
    told = [(act["number"], subject) for subject, own in acts.items() for act in own]
    by_number = {act["number"]: act for own in acts.values() for act in own}
    for number, subject in sorted(told):
        if subject.startswith("person/"):
            yield from guarded(subject.replace("/", " "), _act_on_person(recorded, by_number[number]))
    stored = {person_id(row): row for row in rows}
    for name in sorted(set(stored) | set(recorded.people)):
        where = f"person {name}"
        if name not in stored:
            yield OfflineFinding("person", where, "was recorded, and is gone")
        elif name not in recorded.people:
            yield OfflineFinding("person", where, "was never recorded")
        else:
            yield from guarded(where, _row_findings(where, stored[name], recorded.people[name]))


def _row_findings(where: str, row: Row, told: Row) -> Iterator[OfflineFinding]:
    if wrong := _person_differs(row, told):
        yield OfflineFinding("person", where, f"{wrong} is not as recorded")


def _act_on_person(recorded: RecordedPeople, act: Row) -> Iterator[OfflineFinding]:
    for what in recorded.follow(act):
        yield OfflineFinding("person-act", act["subject"].replace("/", " "), f"{act['kind']}: {what}")


def _person_differs(row: Row, told: Row) -> str:
    if "public_key" in row:
        now = {"public_key": told["keys"][-1]["value"], "roles": told["roles"][-1]["roles"], "left_at": told["left_at"]}
        return ", ".join(name for name, value in now.items() if row[name] != value)
    # Earlier builds did not record the hash of the API key that they made.
    unknown = [("api", told["added_at"])] if told["earlier"] else []
    keys = [key for key in row["keys"] if (key["kind"], key["from"]) not in unknown]
    wrong = [name for name in _COMPARED if ({**row, "keys": keys})[name] != told[name]]
    if row["printed_name"] is None:
        named = row["name_salt"] is None and (told["erased"] or told["name_digest"] is None)
    else:
        named = not told["erased"] and sha256(f"{row['name_salt']}\n{row['printed_name']}") == told["name_digest"]
    return ", ".join(wrong + ([] if named else ["printed_name"]))


class RecordedPeople:
    """What the acts lead to."""

    def __init__(self) -> None:
        self.people: dict[str, Row] = {}
        self._signatures: set[str] = set()
        self._had_administrator = False
        self.unshown_codes = 0
        """How many enrolments of earlier builds do not show the code."""

    def follow(self, act: Row) -> Iterator[str]:
        """Takes an act; yields what is wrong with it."""
        person, detail = act["subject"].partition("/")[2], act["detail"]
        if act["kind"] in ("person-enrolled", "key-rotated"):
            yield from self._enrol(self._known(person), act)
        elif "text" in detail:
            yield from self._signed(person, act, json.loads(detail["text"]))
        else:
            if self._had_administrator:
                yield "nobody signed it, although there was an administrator"
            self._unsigned(person, act)
        known = self._known(person)
        signs = any(key["kind"] == "signing" for key in known["keys"])
        self._had_administrator |= signs and any(_ADMINISTRATOR in given["roles"] for given in known["roles"])

    def _known(self, person: str) -> Row:
        new = {"added_at": None, "left_at": None, "name_digest": None, "erased": False, "earlier": False}
        return self.people.setdefault(
            person,
            {
                **new,
                "roles": [],
                "keys": [],
                "acts": [],
                "waiting": None,
                "allowed": None,
                "by_two": set(),
                "two": False,
            },
        )

    def _unsigned(self, person: str, act: Row) -> None:
        """As earlier builds recorded it."""
        known, detail = self._known(person), act["detail"]
        if act["kind"] == "person-left":
            known["left_at"] = detail["left_at"]
            return
        known |= {"added_at": act["at"], "earlier": True}
        known["roles"].append({"roles": detail["roles"], "from": act["at"]})
        known["keys"].append(
            {"kind": "signing", "value": detail["public_key"], "act": None, "from": act["at"], "until": None}
        )

    def _signed(self, person: str, act: Row, said: Row) -> Iterator[str]:
        detail = act["detail"]
        if (_PERSON_KINDS.get(said["act"]), said["person"], said["by"]) != (act["kind"], person, act["actor"]):
            yield "is not what was signed"
            return
        yield from self._authority(act, said)
        known = self._known(person)
        if said["act"] in ("first", "add"):
            known |= {"added_at": act["at"], "name_digest": said["name_digest"]}
        written = {"text": detail["text"], "by": said["by"], "at": act["at"], "signature": detail["signature"]}
        known["acts"].append({**written, "waits": detail["waits"], "confirms": said.get("confirms")})
        if said["act"] == "confirm":
            waiting, known["waiting"] = known["waiting"], None
            if waiting is None or sha256(waiting["text"]) != said["confirms"] or waiting["by"] == said["by"]:
                yield "confirms nothing that waited for this administrator"
            else:
                self._take_effect(known, waiting["text"], act["at"], by_two=True)
                if json.loads(waiting["text"])["act"] == "roles" and said.get("unconfirmed_keys") == "end":
                    _end_unconfirmed(known, act["at"])
        elif detail["waits"]:
            known["waiting"] = written
        else:
            known["waiting"] = None
            self._take_effect(known, detail["text"], act["at"])

    def _authority(self, act: Row, said: Row) -> Iterator[str]:
        """Whether who signed might do so."""
        detail = act["detail"]
        roles = set(said.get("roles", ()))
        if _ADMINISTRATOR in roles and not roles <= {_ADMINISTRATOR, "reader", "auditor"}:
            yield "makes an administrator who may also act"
        if "ingest" in roles and roles != {"ingest"}:
            yield "makes a sender who may also act"
        if said["act"] == "first":
            if self._had_administrator or said["by"] != "operations" or detail["signature"] is not None:
                yield "is a second first administrator"
            return
        own = said["person"] == said["by"]
        yield from self.signature_faults(act, said, administrator=not own)
        if own and said["act"] not in ("renew-keys", "leave"):
            yield f"{said['by']} did it for themself"
        had = roles_as_of(self.people.get(said["person"], nobody()), act["at"])
        given = roles - had if "roles" in said else had
        alone = own or said["act"] not in _GIVING or not given & {_ADMINISTRATOR, *_ACTING}
        if detail["waits"] != (not alone and self.another_administrator(said["by"], act["at"])):
            yield "whether a second administrator had to confirm it is not as it was"

    def signature_faults(self, act: Row, said: Row, *, administrator: bool) -> Iterator[str]:
        """What is wrong with the signature of an act that a person signed.

        Args:
            act: the act, with the signed `text` and the `signature` in its detail.
            said: the signed text, read.
            administrator: whether only an administrator may sign it.
        """
        detail, by = act["detail"], self.people.get(said["by"], nobody())
        if not _verified(key_as_of(by, said["at"]), detail["text"], detail["signature"] or ""):
            yield f"the signature is not {said['by']}'s"
        if detail["signature"] in self._signatures:
            yield "the signature was used before"
        self._signatures.add(detail["signature"])
        if abs(moment_of(act["at"]) - moment_of(said["at"])) > SIGNED_WITHIN:
            yield "was signed at another time"
        if administrator and _ADMINISTRATOR not in roles_as_of(by, said["at"]):
            yield f"{said['by']} was no administrator then"
        if by["left_at"] is not None and by["left_at"] <= said["at"]:
            yield f"{said['by']} had left"

    def another_administrator(self, than: str, at: str) -> bool:
        """Whether another administrator could sign at some time in the seven days before."""
        since = _stamp_of(moment_of(at) - _CODE_LASTS)
        return any(
            name != than
            and (known["left_at"] is None or known["left_at"] > since)
            and (
                _ADMINISTRATOR in roles_as_of(known, since)
                or any(row["from"] > since and _ADMINISTRATOR in row["roles"] for row in known["roles"])
            )
            and any(key["kind"] == "signing" and (key["until"] or "9") > since for key in known["keys"])
            for name, known in self.people.items()
        )

    def _take_effect(self, known: Row, text: str, at: str, *, by_two: bool = False) -> None:
        said = json.loads(text)
        if said["act"] in ("first", "add", "roles"):
            bound = {name: said[name] for name in ("sources", "types") if name in said}
            known["roles"].append({"roles": said["roles"], "from": at, **bound})
        if "code_hash" in said:
            allowed = {"code_hash": said["code_hash"], "valid_for": said["valid_for"], "at": at, "key": None}
            form = said.get("enrolment", _EARLIER_ENROLMENT)
            known["allowed"] = {**allowed, "act": sha256(text), "form": form}
            # A person's own renewal is as good as the code before it.
            known["two"] = by_two or (known["two"] and said["by"] == said["person"])
            if known["two"]:
                known["by_two"].add(sha256(text))
        if said["act"] in ("end-keys", "leave"):
            _end_keys(known, at, ("api", "signing"))
            known["allowed"] = None
        if said["act"] == "leave":
            known["left_at"] = at
        known["erased"] |= said["act"] == "erase-name"

    def _enrol(self, known: Row, act: Row) -> Iterator[str]:
        detail = act["detail"]
        said, allowed = json.loads(detail["enrolment"]), known["allowed"]
        if not _verified(said["public_key"], detail["enrolment"], detail["proof"]):
            yield "the proof is not of the new key"
        if detail["proof"] in self._signatures:
            yield "the proof was used before"
        self._signatures.add(detail["proof"])
        if abs(moment_of(act["at"]) - moment_of(said["at"])) > SIGNED_WITHIN:
            yield "was proved at another time"
        shown = said["statement"] == _ENROLMENT
        code_hash = sha256(said["code"]) if shown else said["code_hash"]
        if allowed is None or allowed["code_hash"] != code_hash or act["actor"] != said["person"]:
            yield "no administrator gave this code"
            return
        if not shown and allowed["form"] == _ENROLMENT:
            yield "does not show the code"
        self.unshown_codes += not shown
        if moment_of(act["at"]) - moment_of(allowed["at"]) > _CODE_LASTS:
            yield "the code had expired"
        if _stamp_of(moment_of(allowed["at"]) + _span_of(allowed["valid_for"])) != detail["until"]:
            yield "the keys end at another time than was signed"
        again = allowed["key"] is not None
        if again and allowed["key"] != said["public_key"]:
            yield "the code was used before with another key"
        allowed["key"] = said["public_key"]
        if again != (act["kind"] == "key-rotated"):
            yield "is not what was recorded"
        kinds = ("api",) if again else ("api", "signing")
        _end_keys(known, act["at"], kinds)
        values = {"api": said["api_key"] if shown else detail["api_key"], "signing": said["public_key"]}
        for kind in kinds:
            known["keys"].append(
                {
                    "kind": kind,
                    "value": values[kind],
                    "act": allowed["act"],
                    "from": act["at"],
                    "until": detail["until"],
                }
            )


def _end_keys(known: Row, at: str, kinds: Iterable[str]) -> None:
    for key in known["keys"]:
        if key["kind"] in kinds and (key["until"] is None or key["until"] > at):
            key["until"] = at


def _end_unconfirmed(known: Row, at: str) -> None:
    """Ends keys and a code that no two administrators gave, once two let the person act."""
    for key in known["keys"]:
        if key["act"] not in known["by_two"] and (key["until"] is None or key["until"] > at):
            key["until"] = at
    if known["allowed"] is not None and known["allowed"]["act"] not in known["by_two"]:
        known["allowed"] = None
