"""The offline verifier's check of shelves and windows: who suppressed which verdicts, until when, and why."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from millwright.audit.offline_signatures import OfflineFinding, Row, differing, guarded

_MADE = {"shelved", "window-opened"}
_ENDED = {"unshelved", "window-ended"}
_TERMS = ("kind", "asset", "failure_mode", "spared_asset", "spared_mode", "reason", "made_by", "source")
_TIMES = ("from_at", "until_at", "made_at")
_REPORTED_WORK = {"order-placed", "order-changed", "order-attached", "order-unmatched"}
_LONGEST_REPORTED = timedelta(days=31)
_STATES_OF = {"standstill": ("planned_stop", "setup"), "out_of_service": ("maintenance", "locked_out")}
_HELD = ("asset", "failure_mode", "rung", "at", "revision")
_RUNGS = ("ignore", "watch", "inspect", "draft", "work_order", "work_order_and_hold")


def shelving_findings(
    rows: Sequence[Row], acts: Mapping[str, Sequence[Row]], verdicts: Iterable[Row], *, whole: bool = False
) -> Iterator[OfflineFinding]:
    """Compares every shelf and window, and its suppressed verdicts, with the ledger.

    Args:
        rows: the shelves and windows, each with the verdicts that it `held`.
        acts: the bodies of the acts by subject, oldest first.
        verdicts: the available verdicts; of others only the act says what they asked for.
        whole: whether these are all.
    """
    known = {_key(row): row for row in verdicts}
    there = {row["id"] for row in rows}
    for row in rows:
        where = f"suppression {row['id']}"
        yield from guarded(where, _suppression_findings(row, acts.get(f"suppression/{row['id']}", []), where))
        yield from guarded(where, _held_findings(row, acts, known, where, whole))
    if whole:
        yield from _work_findings(rows, acts)
        yield from guarded("windows of states", _window_of_state_findings(rows, acts))
    held = {
        (f"event/{held_row['event']}", held_row["version"][:12], row["id"], held_row["revision"])
        for row in rows
        for held_row in row["held"]
        if held_row["how"] == "held_back"
    }
    for subject, told in acts.items():
        for act in told:
            yield from guarded(subject.replace("/", " "), _gone_findings(subject, act, there, held))


def _gone_findings(
    subject: str, act: Row, there: Collection[str], held: Collection[tuple[str, str, str, int]]
) -> Iterator[OfflineFinding]:
    if act["kind"] in _MADE and subject.split("/", 1)[1] not in there:
        yield OfflineFinding("suppression", subject.replace("/", " "), "was recorded, and is gone")
    if act["kind"] == "action-suppressed":
        by, revision = act["detail"]["suppression"], act["detail"]["revision"]
        if (subject, act["actor"], by, revision) not in held:
            what = f"was recorded to have held back {'|'.join(act['detail']['event'])}, and that is gone"
            yield OfflineFinding("suppression", f"suppression {by}", what)


def _work_findings(rows: Sequence[Row], acts: Mapping[str, Sequence[Row]]) -> Iterator[OfflineFinding]:
    """Names each window of work that no CMMS reported as in progress, and those that last too long."""
    reported: dict[tuple[str, str, str | None], str] = {}
    for subject, told in acts.items():
        for act in told if subject.startswith(("case/", "order/")) else ():
            record = act["detail"].get("record")
            if act["kind"] not in _REPORTED_WORK:
                continue
            if record["status"] == "in_progress" and not record.get("status_guessed"):
                system = record["ref"]["system"]
                key = (system, f"{system}/{record['ref']['id']}", _instant(record["changed_at"]))
                reported[key] = min(act["at"], reported.get(key, act["at"]))
    for row in rows:
        if row["kind"] != "work":
            continue
        first = reported.get((row["made_by"], row["source"], row["from_at"]))
        begins, ends = (datetime.fromisoformat(row[name][:-1]) for name in ("from_at", "until_at"))
        if first is None or first > row["made_at"] or ends - begins > _LONGEST_REPORTED:
            what = "is of work that no CMMS reported as in progress, or lasts too long"
            yield OfflineFinding("suppression", f"suppression {row['id']}", what)


def _window_of_state_findings(rows: Sequence[Row], acts: Mapping[str, Sequence[Row]]) -> Iterator[OfflineFinding]:
    """Names each window that no reading of an MES justifies, and those that last too long."""
    if not any(row["kind"] in _STATES_OF for row in rows):
        return
    read: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for subject, told in acts.items():
        if not subject.startswith("operating/"):
            continue
        system = subject.removeprefix("operating/")
        for act in told:
            if act["kind"] != "operating-read":
                continue
            for machine, state in act["detail"]["said"].items():
                times, states_said = read.setdefault((system, machine), ([], []))
                times.append(_instant(act["detail"]["read_at"]) or "")
                states_said.append(state["state"])
    for row in rows:
        states = _STATES_OF.get(row["kind"])
        if states is None:
            continue
        times, states_said = read.get((row["made_by"], row["asset"]), ([], []))
        newest = bisect_right(times, row["from_at"])
        said = states_said[newest - 1] if newest else None
        begins, ends = (datetime.fromisoformat(row[name][:-1]) for name in ("from_at", "until_at"))
        if said not in states or ends - begins > _LONGEST_REPORTED:
            what = f"is of a state that {row['made_by']} did not report, or lasts too long"
            yield OfflineFinding("suppression", f"suppression {row['id']}", what)


def _suppression_findings(row: Row, acts: Sequence[Row], where: str) -> Iterator[OfflineFinding]:
    made = [act for act in acts if act["kind"] in _MADE]
    told = made[0]["detail"] if made else {}
    times = {name: _instant(told.get(name)) for name in _TIMES}
    if len(made) != 1:
        yield OfflineFinding("suppression", where, "was never recorded, or more than once")
    elif wrong := differing(row, {**told, **times}, (*_TERMS, *_TIMES)):
        yield OfflineFinding("suppression", where, f"{wrong} is not what was recorded when it was made")
    ended = [act for act in acts if act["kind"] in _ENDED][-1:]
    meant = (row["until_at"], None, None)
    if ended:
        meant = (ended[0]["detail"]["end_at"], ended[0]["actor"], ended[0]["detail"]["reason"])
    if (row["end_at"], row["ended_by"], row["ended_because"]) != meant:
        yield OfflineFinding("suppression", where, "ends at another time, or by another hand, than was recorded")
    returned = [act["at"] for act in acts if act["kind"] == "suppression-returned"]
    if ([row["returned_at"]] if row["returned_at"] is not None else []) != returned:
        yield OfflineFinding("suppression", where, "its return is not as recorded")


def _held_findings(
    row: Row, acts: Mapping[str, Sequence[Row]], known: Mapping[tuple[int, str, int], Row], where: str, whole: bool
) -> Iterator[OfflineFinding]:
    returns = [act for act in acts.get(f"suppression/{row['id']}", []) if act["kind"] == "suppression-returned"]
    came_in = {
        (fault["asset"], fault["failure_mode"])
        for act in returns
        for fault in act["detail"]["meanwhile"]
        if fault["case"] is not None
    }
    held = {(held_row["event"], held_row["version"]) for held_row in row["held"] if held_row["how"] == "held_back"}
    for held_row in row["held"]:
        event = f"{held_row['source']}|{held_row['external_id']}"
        if not _covered(row, held_row):
            yield OfflineFinding("suppression", where, f"is said to have held back {event}, which it does not cover")
        verdict = known.get(_key(held_row))
        if (verdict is None and whole) or (verdict is not None and not _of(verdict, held_row)):
            what = f"is said to have held back {event} at another rung, revision or place than judged"
            yield OfflineFinding("suppression", where, what)
        if held_row["how"] == "let_in":
            if (held_row["asset"], held_row["failure_mode"]) not in came_in:
                yield OfflineFinding(
                    "suppression", where, f"is said to have let in {event}, and its return tells of no case"
                )
            if (held_row["event"], held_row["version"]) not in held:
                yield OfflineFinding("suppression", where, f"is said to have let in {event}, which it never held back")
            continue
        told = [
            act["detail"]
            for act in acts.get(f"event/{held_row['event']}", [])
            if act["kind"] == "action-suppressed" and act["actor"] == held_row["version"][:12]
            if (act["detail"]["suppression"], act["detail"]["revision"]) == (row["id"], held_row["revision"])
        ]
        shown = {**held_row, "event": [held_row["source"], held_row["external_id"]]}
        if len(told) != 1 or differing(shown, told[0], (*_HELD, "event")):
            yield OfflineFinding("suppression", where, f"what it held back of {event} is not as recorded")


def _key(held: Row) -> tuple[int, str, int]:
    return held["event"], held["version"], held["revision"]


def _covered(row: Row, held: Row) -> bool:
    """Whether an event's time and fault are covered. The asset hierarchy is only in the register and is not checked."""
    spared = (row["spared_asset"], row["spared_mode"]) == (held["asset"], held["failure_mode"])
    mine = row["failure_mode"] in (None, held["failure_mode"])
    return mine and not spared and bool(row["from_at"] <= held["at"] < row["until_at"])


def _of(verdict: Row, held: Row) -> bool:
    rung = _RUNGS[json.loads(verdict["body"])["rung"]]
    names = ("asset", "failure_mode", "at")
    return rung == held["rung"] and not differing(held, verdict, names)


def _instant(told: str | None) -> str | None:
    """A time in the format of the record, from the format of acts on suppression."""
    return told if told is None or "." in told else told.replace("Z", ".000000Z")
