"""The offline verifier's check of acts, verdicts and events: each row against its hashed text."""

from __future__ import annotations

import bisect
import hashlib
import json
import re
from collections.abc import Collection, Iterator, Sequence

from millwright.audit.offline_signatures import OfflineFinding, Row, differing, sha256

GENESIS = hashlib.sha256(b"").hexdigest()
_HEAD = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})", re.ASCII)


def read_head(published: str | None) -> tuple[int, str] | None:
    """The number and the hash of a published head; None if none is given.

    Raises:
        ValueError: it is not written as it is published, so it would be compared with no row.
    """
    if published is None:
        return None
    found = _HEAD.fullmatch(published)
    if found is None:
        raise ValueError("is written as it was published, SEQ:HASH")
    return int(found[1]), found[2]


def merkle_root(leaves: Sequence[str]) -> str:
    """The Merkle root over hexadecimal digests in their order (RFC 6962); an odd node moves up unchanged."""
    if not leaves:
        return GENESIS
    level = [hashlib.sha256(b"\x00" + bytes.fromhex(leaf)).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0].hex()


# Acts, verdicts, contexts.
def merkle_path_root(leaf: str, index: int, count: int, path: Sequence[str]) -> str:
    """The root that a leaf's audit path leads to (RFC 6962, section 2.1.1).

    Raises:
        ValueError: the path has the wrong length for the place.
    """
    if not 0 <= index < count:
        raise ValueError(f"leaf {index} of {count}")
    node, siblings = (
        hashlib.sha256(b"\x00" + bytes.fromhex(leaf)).digest(),
        [bytes.fromhex(sibling) for sibling in path],
    )
    while count > 1:
        if index % 2 == 1:
            node = hashlib.sha256(b"\x01" + siblings.pop(0) + node).digest()
        elif index + 1 < count:
            node = hashlib.sha256(b"\x01" + node + siblings.pop(0)).digest()
        index, count = index // 2, (count + 1) // 2
    if siblings:
        raise ValueError("the path is too long")
    return node.hex()


def act_findings(where: str, columns: Row, body: str) -> Iterator[OfflineFinding]:
    """Compares the columns beside an act's text with the text."""
    if wrong := differing(columns, json.loads(body), ("kind", "subject", "actor", "at")):
        yield OfflineFinding("act-columns", where, f"{wrong} beside the hashed text was altered")


def act_row_findings(row: Row) -> Iterator[OfflineFinding]:
    """Compares an act's text with its digest and its columns."""
    where = f"act {row['id']} ({row['kind']} {row['subject']})"
    if sha256(row["body"]) != row["digest"]:
        yield OfflineFinding("act-digest", where, "its text was altered")
    yield from act_findings(where, row, row["body"])


class Verdicts:
    """Checks verdicts in the order of the ledger.

    Args:
        events: the events, by number.
        contexts: the digests of the contexts.
        versions: the digests of the versions.
        empty_memory: the memory before the first verdict; None if not every verdict is there: then what one began with
            is not compared with what another left.
    """

    def __init__(
        self, events: dict[int, Row], contexts: Collection[str], versions: set[str], empty_memory: str | None
    ) -> None:
        self._events = events
        self._contexts = contexts
        self._versions = versions
        self._empty = None if empty_memory is None else sha256(empty_memory)
        self._left: dict[tuple[str, str, str], tuple[list[str], list[bytes]]] = {}
        """The positions of the verdicts on each fault under each version, and the digests of what they left."""

    def check(self, row: Row) -> Iterator[OfflineFinding]:
        event = self._events.get(row["event"])
        name = f"{event['source']}|{event['external_id']}" if event else f"number {row['event']}"
        where = f"verdict {row['id']} on event {name}"
        if sha256(row["body"]) != row["digest"]:
            yield OfflineFinding("verdict-digest", where, "its text was altered")
        body = json.loads(row["body"])
        if wrong := differing(row, body, ("version", "revision", "role", "rung")):
            yield OfflineFinding("verdict-columns", where, f"{wrong} beside the hashed text was altered")
        yield from self._inputs(where, row, body, event)
        if body["aside"] != (row["memory"] == ""):
            yield OfflineFinding("verdict-memory", where, "the memory that it left behind is missing")
        elif row["memory"] and sha256(row["memory"]) != body["after"]:
            yield OfflineFinding("verdict-memory", where, "the memory that it left behind was altered")
        if self._empty is not None:
            yield from self._followed(where, row, body, self._empty)

    def _followed(self, where: str, row: Row, body: Row, empty: str) -> Iterator[OfflineFinding]:
        """Compares the memory before a verdict with what the last one before its position had left."""
        positions, left = self._left.setdefault((row["version"], row["asset"], row["failure_mode"]), ([], []))
        place = bisect.bisect_left(positions, row["position"])
        if body["before"] != (left[place - 1].hex() if place else empty):
            what = "the memory that it began with is not the one that the last verdict before it left"
            yield OfflineFinding("verdict-memory", where, what)
        if body["aside"]:
            return
        if positions[place : place + 1] == [row["position"]]:
            left[place] = bytes.fromhex(body["after"])
        else:
            positions.insert(place, row["position"])
            left.insert(place, bytes.fromhex(body["after"]))

    def _inputs(self, where: str, row: Row, body: Row, event: Row | None) -> Iterator[OfflineFinding]:
        if event is None:
            yield OfflineFinding("verdict-event", where, "the event is gone")
        else:
            if event["digest"] != body["anomaly"]:
                yield OfflineFinding("verdict-event", where, "the anomaly that it judged was altered")
            wrong = differing(row, event, ("asset", "failure_mode", "position", "at"))
            if body["event"] != [event["source"], event["external_id"]]:
                wrong = wrong or "event"
            if wrong:
                yield OfflineFinding("verdict-columns", where, f"{wrong} differs from the event's")
        if body["context"] not in self._contexts:
            yield OfflineFinding("verdict-context", where, "the context that it was given in was altered or removed")
        if body["version"] not in self._versions:
            yield OfflineFinding(
                "verdict-version", where, f"policy version {body['version'][:12]} is not stored as it was"
            )


def event_findings(row: Row) -> Iterator[OfflineFinding]:
    """Compares the columns beside an anomaly's text with the text."""
    anomaly, where = json.loads(row["anomaly"]), f"event {row['source']}|{row['external_id']}"
    at = anomaly["at"] if "." in anomaly["at"] else anomaly["at"].replace("Z", ".000000Z")
    wrong = differing(row, {**anomaly, "at": at}, ("asset", "failure_mode", "at"))
    if wrong or row["position"].split("|", 1)[0] + "Z" != at:
        yield OfflineFinding("event", where, f"{wrong or 'position'} beside the hashed text was altered")
