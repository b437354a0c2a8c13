"""Who has both author and approver rights, and who ever used more than one?"""

from domain.approvals import ACTIVATE, APPROVE, ROLES
from millwright.audit.offline_signatures import Row as AuditRow
from millwright.audit.questions.answer import Asked, QuestionResult, Row, place_of
from millwright.storage.audit.person_record import person_files
from millwright.storage.audit.questions import acts_on
from millwright.storage.audit.record import Record

_GIVING = ("person-added", "roles-changed", "person-confirmed")
_CONFLICTS = (("author", "approver"), ("author", "operator"), ("approver", "operator"))


class DutyRow(Row):
    """A conflict of duties: permissions that a person has together (`held`), or used together on one version (`used`).

    `version` is the version on which they were used. Permissions that are only held do no harm, because an author's
    approval of their own version never counts.
    """

    person: str
    roles: tuple[str, ...]
    here: bool
    kind: str
    conflict: str
    version: str | None


async def duties(record: Record, asked: Asked) -> QuestionResult:  # noqa: ARG001 every question is asked alike
    """The segregation of duties: every conflict, held or used, of all people, including those who left."""
    people: list[AuditRow] = [*await person_files(record)]
    subjects = [f"person/{person['id']}" for person in people]
    added = {act.subject: act for act in await acts_on(record, subjects) if act.kind in _GIVING}
    rows: list[DutyRow] = []
    for person in people:
        for pair in _CONFLICTS:
            if set(pair) <= set(_roles(person)):
                act = added.get(f"person/{person['id']}")
                rows.append(
                    DutyRow(
                        person=person["id"],
                        roles=_roles(person),
                        here=person["left_at"] is None,
                        kind="held",
                        conflict=" and ".join(pair),
                        version=None,
                        ledger=None if act is None else place_of(act.ledger_seq, act.leaf),
                        digest=None if act is None else act.digest,
                    )
                )
    rows += await _used(record, {person["id"]: (_roles(person), person["left_at"] is None) for person in people})
    both = sorted({row.person for row in rows if row.conflict == "author and approver" and row.here})
    used = sum(row.kind == "used" for row in rows)
    words = f"{', '.join(both) or 'Nobody'} can both write and approve; {used} times one person did two duties."
    return QuestionResult(words, tuple(rows))


def _roles(person: AuditRow) -> tuple[str, ...]:
    """The roles that somebody has, or had when they left."""
    return tuple(person["roles"][-1]["roles"]) if person["roles"] else ()


async def _used(record: Record, people: dict[str, tuple[tuple[str, ...], bool]]) -> list[DutyRow]:
    """Two duties of one person on one version."""
    rows: list[DutyRow] = []
    signatures, drafts = await record.signatures(), await record.drafts()
    for version in await record.versions():
        own = [signature for signature in signatures if signature.digest == version.digest]
        wrote = {version.author} | {
            draft.author for draft in drafts if (draft.policy, draft.version) == (version.policy, version.version)
        }
        approved = {signature.person for signature in own if signature.act == APPROVE}
        placed = {
            signature.person
            for signature in own
            if signature.act != ACTIVATE and ROLES[signature.act] == ROLES[ACTIVATE]
        }
        placed |= {signature.person for signature in own if signature.act == ACTIVATE}
        pairs = (
            ("wrote and approved it; the approval does not count", wrote & approved),
            ("approved it and put it in force", approved & placed),
            ("wrote it and put it in force", wrote & placed),
        )
        acts = {act.actor: act for act in await acts_on(record, [f"policy/{version.digest}"])}
        for conflict, names in pairs:
            for name in sorted(names):
                act = acts.get(name)
                rows.append(
                    DutyRow(
                        person=name,
                        roles=people.get(name, ((), False))[0],
                        here=people.get(name, ((), False))[1],
                        kind="used",
                        conflict=conflict,
                        version=f"{version.policy} {version.version}",
                        ledger=None if act is None else place_of(act.ledger_seq, act.leaf),
                        digest=None if act is None else act.digest,
                    )
                )
    return rows
