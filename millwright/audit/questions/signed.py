"""Who wrote, approved and activated a version, when and why?"""

from domain.canonical import timestamp
from domain.model import Moment
from domain.shown_signatures import SignatureDisplay
from millwright.audit.offline_people import key_as_of, nobody
from millwright.audit.offline_signatures import Row as AuditRow
from millwright.audit.questions.answer import Asked, QuestionResult, Row, detail_of, place_of, said_in
from millwright.storage.audit.person_record import person_files
from millwright.storage.audit.questions import acts_on, version_named
from millwright.storage.audit.record import Record
from millwright.storage.policies.signatures import Signature


class SignedRow(Row):
    """An act on a version or its drafts. `signature` is whether it is valid, None if the act needs none.

    `name` is the printed name with the id, `local` the time in the site's time zone and in UTC, `why` the meaning.
    """

    at: Moment
    local: str
    person: str
    name: str
    did: str
    why: str
    signature: bool | None
    public_key: str | None


async def signed(record: Record, display: SignatureDisplay, asked: Asked) -> QuestionResult:
    """Everything that was ever done to a version, its drafts first.

    Raises:
        ActRejected: there is no such version.
    """
    version = await version_named(record, asked.reference)
    people: dict[str, AuditRow] = {str(person["id"]): person for person in await person_files(record)}
    stored = {
        (signature.person, signature.at): signature
        for signature in await record.signatures()
        if signature.digest == version.digest
    }  # A person signs at most once at one instant.
    rows: list[SignedRow] = []
    for act in await acts_on(record, [f"policy/{version.digest}", f"draft/{version.policy}/{version.version}"]):
        detail = detail_of(act)
        holds, key = None, None
        if "signature" in detail:
            key = key_as_of(people.get(act.actor, nobody()), timestamp(act.at))
            row = stored.get((act.actor, act.at))
            given = Signature(
                row.act if row else "", act.actor, str(detail["meaning"]), act.at, str(detail["signature"]), key
            )
            holds = row is not None and given.holds(version.digest)
        rows.append(
            SignedRow(
                at=act.at,
                local=display.local(act.at),
                person=act.actor,
                name=display.name(act.actor),
                did=act.kind.removeprefix("policy-").replace("-", " "),
                why=said_in(detail) or _found(detail),
                signature=holds,
                public_key=key,
                ledger=place_of(act.ledger_seq, act.leaf),
                digest=act.digest,
            )
        )
    approved = sorted({row.person for row in rows if row.did == "approved"})
    activated = sorted({row.person for row in rows if row.did == "activated"})
    words = (
        f"{version.policy} {version.version} was written by {version.author}, approved by "
        f"{', '.join(approved) or 'nobody'}, activated by {', '.join(activated) or 'nobody'}."
    )
    forged = [row for row in rows if row.signature is False]
    return QuestionResult(words + (f" {len(forged)} SIGNATURES DO NOT HOLD." if forged else ""), tuple(rows))


def _found(detail: dict[str, object]) -> str:
    """The result of a machine's check."""
    return f"{detail['kind']} {detail['result']}" if "result" in detail else ""
