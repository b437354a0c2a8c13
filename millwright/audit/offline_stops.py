"""The offline verifier's check of kill switches and freeze windows: who stopped what, where, and who lifted it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from millwright.audit.offline_signatures import OfflineFinding, Row

_BEGUN = {"stop": "action-stopped", "freeze": "policies-frozen"}
_LIFTED = {"stop": "action-stop-lifted", "freeze": "policies-thawed"}
_CALLED = {"stop": "kill switch", "freeze": "freeze window"}


def stop_subject(row: Row) -> str:
    """The subject of the acts on a kill switch or a freeze window."""
    return f"{row['what']}/{row['id']}"


def stop_findings(subject: str, rows: Sequence[Row], acts: Sequence[Row]) -> Iterator[OfflineFinding]:
    """Compares a kill switch or freeze window, and its lifting, with their acts.

    Args:
        rows: the rows of this subject: one, or none if it is missing.
        acts: the bodies of the acts on `subject`.
    """
    what, _, number = subject.partition("/")
    where = f"{_CALLED[what]} {number}"
    if len(rows) > 1:
        yield OfflineFinding(what, where, "is there more than once")
    row: Row = rows[0] if rows else {"terms": None, "lifting": None}
    for name, stored, kind in ((where, row["terms"], _BEGUN), (f"lifting of {where}", row["lifting"], _LIFTED)):
        recorded = [{**act["detail"], "by": act["actor"], "at": act["at"]} for act in acts if act["kind"] == kind[what]]
        if stored is None:
            if recorded:
                yield OfflineFinding(what, name, "was recorded, and is gone")
        elif len(recorded) != 1:
            yield OfflineFinding(what, name, "was never recorded, or more than once")
        elif wrong := _wrong(stored, recorded[0]):
            yield OfflineFinding(what, name, f"{wrong} is not what was recorded")


def _wrong(stored: Row, told: Row) -> str:
    return ", ".join(sorted(name for name in {*stored, *told} if stored.get(name) != told.get(name)))
