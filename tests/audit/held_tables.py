"""How the audit holds each table: against the ledger, by building it again, or not at all, with the reason."""

from collections.abc import Mapping

HELD = frozenset(
    {
        "action_stop_lifts", "action_stops", "acts", "admissions", "assets", "attached_orders", "attestations",
        "autonomy_moves", "cases", "changes", "contexts", "crosswalk", "cursors", "duplicates", "events",
        "explanations", "hold_claims", "hold_placements",
        "holds", "installation_key_acts", "labels", "ledger", "ledger_head", "maintenance_histories", "observables",
        "operating_readings",
        "operating_states", "outcomes", "people",
        "person_acts", "person_keys", "person_roles", "policy_assignment_ends", "policy_assignments", "policy_drafts",
        "policy_evidence", "policy_freezes", "policy_signatures", "policy_thaws", "policy_versions", "suppressed",
        "suppressions", "twin_models", "unreadable_records", "verdicts", "walk_downs", "work_orders",
    }
)  # fmt: skip
"""Tables whose rows are compared with the ledger."""

DERIVED = frozenset({"alert_facts", "evidence", "memories", "pending", "quality_progress", "verdict_counts"})
"""Tables that are built again from those above and compared."""

WITHOUT_EFFECT: Mapping[str, str] = {
    "blind_spells": "it lists silences, for people; nothing acts on it, and each beginning and each end is an act",
    "drifts": "it lists what differs, for people; each reconcile compares again, and what it takes over is recorded as "
    "an order that changed",
    "due": "it says when a step runs next and decides nothing; what waits for nothing and is never due is named, and "
    "shelves end by their own rows",
    "hints": "it says when hints came; without it people are not told that they have stopped",
    "looks": "it says when a source last looked; an altered row shows or hides a silence until the next heartbeat, and "
    "nothing is judged, ordered or held by it",
    "order_leases": "it keeps two steps apart for two minutes, and no longer; each looks its key up in the CMMS "
    "before it creates",
    "reconcile_runs": "it says how far a reconcile has come; an altered row makes one compare more or less, and the "
    "next night begins another",
    "studies": "it has answers about the past that somebody asked for; nothing acts on them",
}
"""Tables that are not held, and why."""

_ONLY_ORDER = "only the order of the rows counts, and that is compared"
COLUMNS_WITHOUT_EFFECT: Mapping[str, str] = {
    "autonomy_moves.id": _ONLY_ORDER,
    "cases.attempts": "it sets how long a step that failed waits before it is tried again",
    "cursors.advanced_at": "it is shown; nothing reads it to act",
    "evidence.id": _ONLY_ORDER,
    "installation_key_acts.id": _ONLY_ORDER,
    "hold_placements.read_at": "a reading is passed over only if it is older, and none is taken for later than now",
    "holds.twin_told": "it saves writing the same state to a twin again",
    "person_keys.id": _ONLY_ORDER,
    "person_roles.id": _ONLY_ORDER,
    "policy_assignment_ends.id": _ONLY_ORDER,
    "policy_evidence.id": _ONLY_ORDER,
    "policy_signatures.id": "rows name it, and a reference to none is named",
    "suppressed.id": _ONLY_ORDER,
    "unreadable_records.last_seen_at": "it is shown; nothing reads it to act",
    "walk_downs.waiting_for": "it is shown; nothing reads it to act",
    "work_orders.corrections_sent": "it says which corrections are shown as too late; the corrections themselves count",
    "work_orders.read_at": "it says when an order is read next; the reading itself is what counts",
}
"""Columns that are not held, of tables that are, and why."""

ONLY_ORDER = frozenset(column for column, reason in COLUMNS_WITHOUT_EFFECT.items() if reason == _ONLY_ORDER)
"""Columns that are held by the order of their rows."""
