"""What a hostile owner of the database might do, and what must be told of it."""

from typing import NamedTuple

_FIRST = (
    "(SELECT v.id FROM verdicts v JOIN events e ON e.id = v.event_id "
    "WHERE e.external_id = '{}' AND role = 'active' AND revision = 0)"
)
_HASH = "encode(sha256(convert_to({}, 'UTF8')), 'hex')"
_WEAKER = "replace(anomaly::text, '\"score\":2.0', '\"score\":3.0')"
_GRACES_KEY = (
    "UPDATE person_keys k SET value = o.value FROM person_keys o WHERE o.person = 'olaf' AND o.kind = 'signing' "
    "AND k.person = 'grace' AND k.kind = 'signing'"
)
REHASHED = "digest = " + _HASH.format("body")


class Tampering(NamedTuple):
    """Statements, and the kinds and a place that must be named: here, and offline."""

    name: str
    statements: tuple[str, ...]
    kinds: frozenset[str]
    place: str
    offline: frozenset[str]


def _case(name: str, statements: tuple[str, ...], kinds: str, place: str, offline: str | None = None) -> Tampering:
    return Tampering(
        name, statements, frozenset(kinds.split()), place, frozenset((kinds if offline is None else offline).split())
    )


def verdict_of(event: str) -> str:
    """A subquery for the first active verdict on an event."""
    return _FIRST.format(event)


_LOWERED = (
    f"UPDATE verdicts SET body = replace(body, '\"priority\":1', '\"priority\":4') WHERE id = {verdict_of('fed')}"
)
ALTERED_WITH_INPUTS = (
    # The score of an event that is ignored either way: verdict and memory stay true, every digest is made anew.
    (
        f"UPDATE verdicts SET body = replace(body, {_HASH.format('anomaly::text')}, {_HASH.format(_WEAKER)}) "
        "FROM events e WHERE e.id = event_id AND e.external_id = 'weak'"
    ),
    f"UPDATE verdicts SET {REHASHED}",
    f"UPDATE events SET anomaly = ({_WEAKER})::json WHERE external_id = 'weak'",
)

TAMPERINGS = (
    _case(
        "altered verdict",
        (_LOWERED,),
        "verdict-digest verdict-differs ledger-root",
        "tests|fed",
        "verdict-digest ledger-root",
    ),
    _case(
        "altered verdict and its digest",
        (
            _LOWERED,
            f"UPDATE verdicts SET {REHASHED}",
        ),
        "verdict-differs ledger-root",
        "tests|fed",
        "ledger-root",
    ),
    _case("altered verdict with inputs and digests", ALTERED_WITH_INPUTS, "ledger-root", "ledger row"),
    _case(
        "altered rung beside the text",
        (f"UPDATE verdicts SET rung = 1 WHERE id = {verdict_of('fed')}",),
        "verdict-columns",
        "tests|fed",
    ),
    _case(
        "altered position beside the text",
        (f"UPDATE verdicts SET position = 'x' WHERE id = {verdict_of('fed')}",),
        "verdict-columns memory",
        "tests|fed",
        "verdict-columns",
    ),
    _case(
        "unreadable verdict",
        (f"UPDATE verdicts SET body = 'nothing' WHERE id = {verdict_of('weak')}",),
        "verdict-digest unreadable ledger-root",
        "tests|weak",
    ),
    _case(
        "altered anomaly",
        (f"UPDATE events SET anomaly = ({_WEAKER})::json WHERE external_id = 'weak'",),
        "verdict-event",
        "tests|weak",
    ),
    _case(
        "unreadable anomaly",
        ("UPDATE events SET anomaly = '[]' WHERE external_id = 'weak'",),
        "verdict-event",
        "tests|weak",
        "verdict-event unreadable",
    ),
    _case(
        "act that tells nothing",
        (
            "UPDATE acts SET body = '{\"detail\": {}}'",
            f"UPDATE acts SET {REHASHED}",
        ),
        "act-columns ledger-root unreadable missing person verdict-assignment hold evidence register",
        "case MW",
        "act-columns ledger-root unreadable person verdict-assignment hold",
    ),
    _case(
        "deleted event",
        ("DELETE FROM events WHERE external_id = 'weak'",),
        "verdict-event",
        "verdict",
    ),
    _case(
        "deleted verdicts",
        ("DELETE FROM verdicts USING events e WHERE e.id = event_id AND e.external_id = 'aside'",),
        "ledger-leaf event",
        "event tests|aside",
    ),
    _case(
        "altered context",
        ("UPDATE contexts SET body = replace(body, '\"A\"', '\"D\"') WHERE body LIKE '%comp1%'",),
        "context verdict-context hold",
        "tests|first",
    ),
    _case(
        "altered memory behind a verdict",
        (f"UPDATE verdicts SET memory = replace(memory, '\"seen\":1', '\"seen\":9') WHERE id = {verdict_of('first')}",),
        "verdict-memory",
        "tests|first",
    ),
    _case(
        "altered present memory",
        ("UPDATE memories SET body = replace(body, '\"seen\":', '\"seen\":1')",),
        "memory",
        "machine-001-comp1",
        "",
    ),
    _case("forged head", ("UPDATE ledger_head SET hash = repeat('0', 64)",), "head", "ledger head"),
    _case(
        "deleted ledger row",
        ("DELETE FROM ledger WHERE seq = 9",),
        "ledger-gap ledger-chain orphan",
        "ledger row 10",
    ),
    _case(
        "altered ledger row",
        ("UPDATE ledger SET at = at + interval '1 hour' WHERE seq = 9",),
        "ledger-hash clock",
        "ledger row 9",
    ),
    _case(
        "deleted act",
        ("DELETE FROM acts WHERE kind = 'order-placed' AND body LIKE '%1002%'",),
        "ledger-leaf order case",
        "work order of case",
    ),
    _case(
        "altered act",
        ("UPDATE acts SET body = replace(body, 'Do it.', 'Do not.') WHERE kind = 'case-decided'",),
        "act-digest ledger-root decision",
        "case-decided",
    ),
    _case(
        "another actor beside an act's text",
        ("UPDATE acts SET actor = 'mallory' WHERE kind = 'case-decided'",),
        "act-columns",
        "case-decided",
    ),
    _case(
        "edited policy document",
        ("UPDATE policy_versions SET document = replace(document, 'PT24H', 'PT12H') WHERE version = '1.0.0'",),
        "policy-document verdict-version",
        "rotating-equipment 1.0.0",
    ),
    _case(
        "unreadable policy document",
        ("UPDATE policy_versions SET document = '{' WHERE version = '1.0.0'",),
        "policy-document verdict-version",
        "rotating-equipment 1.0.0",
        "policy-document verdict-version",
    ),
    _case(
        "forged signature",
        ("UPDATE policy_signatures SET signature = translate(signature, '01', '10') WHERE act = 'approve'",),
        "policy-signature policy-approval policy-record hold",
        "rotating-equipment 1.1.0",
    ),
    _case(
        "deleted approval",
        ("DELETE FROM policy_signatures WHERE act = 'approve'",),
        "policy-approval policy-assignment policy-record hold",
        "rotating-equipment 1.1.0",
    ),
    _case(
        "another person's key",
        (_GRACES_KEY,),
        "person policy-signature policy-approval hold",
        "person grace",
    ),
    _case(
        "an author who approves their own version",
        ("UPDATE policy_versions SET author = 'grace' WHERE version = '1.1.0'",),
        "policy-approval policy-assignment policy-record hold",
        "rotating-equipment 1.1.0",
    ),
    _case(
        "assignment turned",
        ("UPDATE policy_assignments SET role = 'shadow' WHERE role = 'active'",),
        "policy-record policy-assignment",
        "rotating-equipment 1.1.0",
    ),
    _case(
        "swapped orders",
        (
            "CREATE TEMP TABLE swap AS SELECT * FROM work_orders",
            "UPDATE work_orders SET external_id = case_id",
            (
                "UPDATE work_orders w SET external_id = s.external_id, record = s.record, status = s.status "
                "FROM swap s WHERE s.case_id <> w.case_id"
            ),
        ),
        "order",
        "work order of case",
    ),
    _case(
        "swapped orders with their keys",
        (
            "CREATE TEMP TABLE swap AS SELECT * FROM work_orders",
            "UPDATE work_orders SET external_id = case_id",
            (
                "UPDATE work_orders w SET external_id = s.external_id, status = s.status, "
                "record = jsonb_set(s.record, '{ref,key}', to_jsonb(w.case_id)) "
                "FROM swap s WHERE s.case_id <> w.case_id"
            ),
        ),
        "order",
        "work order of case",
    ),
    _case(
        "deleted order",
        ("DELETE FROM work_orders WHERE external_id = '1002'",),
        "order missing",
        "work order of case",
        "order",
    ),
    _case(
        "altered order number",
        ("UPDATE work_orders SET external_id = '7' WHERE external_id = '1002'",),
        "order",
        "work order of case",
    ),
    _case(
        "hold said to stand still",
        ("DROP INDEX uq_holds_equipment", "UPDATE holds SET state = 'asked' WHERE state = 'released'"),
        "hold",
        "hold MW",
    ),
    _case(
        "hold said to be released",
        ("UPDATE holds SET state = 'released' WHERE state = 'asked'",),
        "hold",
        "hold MW",
    ),
    _case(
        "deleted hold with all that belongs to it",
        ("DELETE FROM hold_claims", "DELETE FROM hold_placements", "DELETE FROM holds"),
        "missing",
        "case MW",
        "hold",
    ),
    _case("deleted hold", ("DELETE FROM holds",), "missing orphan", "case MW", "hold"),
    _case(
        "job said never to have been held",
        ("UPDATE hold_placements SET state = 'void' WHERE state = 'released'",),
        "hold",
        "hold MW",
    ),
    _case(
        "job said to be held only by asking",
        ("UPDATE hold_placements SET state = 'accepted' WHERE state = 'in_effect'",),
        "hold",
        "hold MW",
    ),
    _case(
        "plan of another receiver",
        ("UPDATE hold_placements SET plan = jsonb_set(plan, '{receiver}', '\"Press2\"')",),
        "hold",
        "hold MW",
    ),
    _case("removed placement", ("DELETE FROM hold_placements WHERE state = 'in_effect'",), "hold", "hold MW"),
    _case(
        "another person released it",
        ("UPDATE holds SET release = jsonb_set(release, '{by}', '\"mallory\"') WHERE release IS NOT NULL",),
        "hold",
        "hold MW",
    ),
    _case(
        "another meaning of a release",
        ("UPDATE holds SET release = jsonb_set(release, '{meaning}', 'null') WHERE release IS NOT NULL",),
        "hold",
        "hold MW",
    ),
    _case("removed release", ("UPDATE holds SET release = NULL",), "hold", "hold MW"),
    _case(
        "release made up",
        ("UPDATE holds SET release = (SELECT release FROM holds WHERE release IS NOT NULL) WHERE release IS NULL",),
        "hold",
        "hold MW",
    ),
    _case("claims removed", ("DELETE FROM hold_claims",), "hold missing", "hold MW", "hold"),
    _case(
        "claim said to be ready",
        ("UPDATE hold_claims SET ready_at = now() WHERE dropped_at IS NULL",),
        "hold",
        "hold MW",
    ),
    _case(
        "claim said to be dropped",
        ("UPDATE hold_claims SET dropped_at = now() WHERE dropped_at IS NULL",),
        "hold",
        "hold MW",
    ),
    _case(
        "claim taken up again",
        ("UPDATE hold_claims SET dropped_at = NULL, ready_at = NULL",),
        "hold",
        "hold MW",
    ),
    _case(
        "altered outcome",
        ("UPDATE outcomes SET outcome = 'nothing_found'",),
        "outcome",
        "outcome of case",
    ),
    _case(
        "altered label",
        ("UPDATE labels SET body = jsonb_set(body, '{outcome}', '\"nothing_found\"'), outcome = 'nothing_found'",),
        "label",
        "label of case",
    ),
    _case("reopened case", ("UPDATE cases SET closed_as = NULL, closed_at = NULL",), "case due", "case MW", "case"),
    _case(
        "deleted decision",
        ("UPDATE cases SET decision = NULL",),
        "decision",
        "case MW",
    ),
)
