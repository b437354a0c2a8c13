"""The offline verifier's check of moves of autonomy: who allowed orders without review, and with which figures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from millwright.audit.offline_people import SIGNED_WITHIN, key_as_of, moment_of, roles_as_of
from millwright.audit.offline_signatures import OfflineFinding, Row, sha256, statement_holds

_MACHINE = "millwright"
_FIRST = "approved"
"""The move of the first of the two approvers of a promotion. Both sign the same."""
_TOLD = ("move", "confirmed", "wrong", "at", "by", "reason", "digest", "signature")
_KEY = ("policy", "asset_class", "failure_mode")


def autonomy_subject(row: Row) -> str:
    """The subject of the acts on a class and failure mode."""
    return "/".join(("autonomy", *(row[name] for name in _KEY)))


def autonomy_findings(
    subject: str, rows: Sequence[Row], acts: Sequence[Row], people: dict[str, Row]
) -> Iterator[OfflineFinding]:
    """Compares the moves of one class and failure mode with their acts, and checks their signatures.

    Args:
        rows: oldest first.
        acts: the bodies of the acts on `subject`, oldest first.
        people: everybody, by name.
    """
    where = subject.replace("/", " ")
    recorded = [
        _text({**act["detail"], "move": act["kind"].split("-", 1)[1], "at": act["at"], "by": act["actor"]})
        for act in acts
    ]
    stored = [_text(row) for row in rows]
    for row in rows:
        if _text(row) not in recorded:
            yield OfflineFinding("autonomy", where, f"{_name(row)} was altered, or never recorded")
    for text in recorded:
        if text not in stored:
            yield OfflineFinding("autonomy", where, f"{_name(json.loads(text))} was recorded, and is gone or altered")
    if not set(stored) ^ set(recorded) and stored != recorded:
        yield OfflineFinding("autonomy", where, "its moves are not those recorded, one for one and in their order")
    before = 0
    for row in rows:
        showing = {**{name: row[name] for name in (*_KEY, "confirmed", "wrong")}, "move": before}
        before = before if row["move"] == _FIRST else row["id"]
        if sha256(json.dumps(showing, sort_keys=True, separators=(",", ":"), ensure_ascii=False)) != row["digest"]:
            yield OfflineFinding("autonomy", where, f"{_name(row)} does not rest on the showing whose digest it bears")
        fault = _move_fault(row, people) or _alone(row, rows)
        if fault is not None:
            yield OfflineFinding("autonomy", where, f"{_name(row)} {fault}")


def _text(told: Row) -> str:
    return json.dumps({name: told.get(name) for name in _TOLD}, sort_keys=True)


def _name(row: Row) -> str:
    return f"{row['move']} by {row['by']} at {row['at']}"


def _move_fault(row: Row, people: dict[str, Row]) -> str | None:
    if row["by"] == _MACHINE and row["move"] in ("proposed", "withdrawn", "lost"):
        return None
    signed, person = row["signature"], people.get(row["by"])
    if signed is None or person is None:
        return f"is not signed by {row['by']}"
    act = f"promote-autonomy:{'promoted' if row['move'] == _FIRST else row['move']}"
    if not statement_holds(key_as_of(person, signed["at"]), row["digest"], act, signed, row["by"]):
        return f"bears a signature that is not {row['by']}'s"
    if person["left_at"] is not None and signed["at"] >= person["left_at"]:
        return f"was signed after {row['by']} had left"
    if abs(moment_of(row["at"]) - moment_of(signed["at"])) > SIGNED_WITHIN:
        return f"was signed by {row['by']} at another time"
    return None if "approver" in roles_as_of(person, signed["at"]) else f"was signed by {row['by']}, then no approver"


def _alone(row: Row, rows: Sequence[Row]) -> str | None:
    """Whether nobody else approved a promotion, of exactly these findings, before it. An approval that does not hold is
    named by itself."""
    if row["move"] != "promoted":
        return None
    first = (each for each in rows if each["id"] < row["id"] and each["move"] == _FIRST)
    two = any(each["digest"] == row["digest"] and each["by"] != row["by"] for each in first)
    return None if two else "was signed by one person alone; it takes two approvers"
