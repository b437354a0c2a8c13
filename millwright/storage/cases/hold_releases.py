"""The release of a hold: approved by a person, carried out while that is valid, or lapsed; see
`domain.hold_store.HoldStore`."""

from sqlalchemy import null, update

from domain.errors import ActRejected
from domain.holds import RELEASE_LASTS, HoldStatus, PlacementState, Release, check_release
from domain.keys import case_workflow_id
from millwright.storage.cases.hold_grounds import altered, claims_fault, release_fault, run_fault
from millwright.storage.cases.hold_locks import (
    LockedHold,
    live_claims,
    lock_hold,
    lock_hold_if_any,
    orders_at_work_again,
)
from millwright.storage.cases.hold_views import hold_by_key
from millwright.storage.cases.hold_writing import ACTOR, HoldWriting
from millwright.storage.cases.signed_releases import check_signed
from millwright.storage.cases.unattended_releases import check_unattended
from millwright.storage.database.hold_tables import hold_placements, holds
from millwright.storage.scheduling import due


async def approve(writing: HoldWriting, key: str, release: Release) -> None:
    """See `HoldStore.approve_release`."""
    connection = writing.connection
    found = await lock_hold_if_any(connection, key)
    if found is not None and (found.state == HoldStatus.RELEASING or _repeats(found, release)):
        return
    claims = await live_claims(connection, key)
    check_release(
        key,
        await hold_by_key(connection, key),
        writing.now,
        release.meaning,
        at_work=[claim.case_id for claim in claims if claim.ready_at is None],
        reopened=await orders_at_work_again(connection, key),
    )
    if found is None:
        raise LookupError(f"there is no hold {key}")
    if (fault := await claims_fault(connection, key) or await run_fault(connection, found)) is not None:
        raise ActRejected(fault, field="hold", fix="run `millwright audit verify`, and find out who changed it")
    if release.meaning is not None:
        await check_signed(connection, key, found.equipment, release, writing.now)
    if release.version is not None:
        await check_unattended(connection, key, release.by, release.version)
    stored = {"release": release.model_dump(mode="json"), "state": HoldStatus.RELEASING.value}
    await connection.execute(update(holds).where(holds.c.key == key).values(**stored))
    actor = release.by if release.meaning is not None else ACTOR
    writing.act("hold-releasing", key, actor, hold=key, equipment=found.equipment, release=release)
    if found.state == HoldStatus.TESTING:
        # The machine runs already: the MES has nothing to do.
        await writing.end(key, HoldStatus.RELEASED, release.meaning)
    await due.wake(connection, [case_workflow_id(claim.case_id) for claim in claims], writing.now)


async def revalidate(writing: HoldWriting, key: str, release: Release | None) -> bool:
    """See `HoldStore.revalidate_release`."""
    connection = writing.connection
    found = await lock_hold(connection, key)
    stored = None if found.release is None else Release.model_validate(found.release)
    if found.state != HoldStatus.RELEASING or stored != release:
        return False
    # An earlier build's release that nobody signed lapses too.
    unsigned = release is None or (release.version is None and release.signature is None)
    if release is None or unsigned or writing.now - release.at > RELEASE_LASTS:
        await _lapse(writing, key)
        return False
    fault = await release_fault(connection, found, release) or await claims_fault(connection, key)
    if fault is not None:
        raise altered(fault, "release-hold", key, "release")
    at_work = any(claim.ready_at is None for claim in await live_claims(connection, key))
    if at_work or await orders_at_work_again(connection, key):
        await _lapse(writing, key)
        return False
    if release.version is not None:
        try:
            await check_unattended(connection, key, release.by, release.version)
        except ActRejected as error:
            raise altered(error.problem, "release-hold", key, "release") from error
    return True


async def record_call(writing: HoldWriting, key: str, number: int, *, unanswered: bool) -> None:
    """See `HoldStore.record_release_call`."""
    await writing.connection.execute(
        update(hold_placements)
        .where(hold_placements.c.hold_key == key, hold_placements.c.number == number)
        .values(release_called_at=writing.now if unanswered else None)
    )
    writing.act("hold-release-called", key, hold=key, placement=number, unanswered=unanswered)


async def doubt(writing: HoldWriting, key: str, number: int) -> None:
    """See `HoldStore.doubt_release`."""
    reason = "held, though the MES was told to let it run"
    await lock_hold(writing.connection, key)
    moved = await writing.connection.execute(
        update(hold_placements)
        .where(
            hold_placements.c.hold_key == key,
            hold_placements.c.number == number,
            hold_placements.c.state.in_([PlacementState.ACCEPTED.value, PlacementState.IN_EFFECT.value]),
        )
        .values(state=PlacementState.UNPROVEN.value, reason=reason)
    )
    if moved.rowcount:
        writing.act("placement-unproven", key, hold=key, placement=number, reason=reason)
    await _lapse(writing, key)


async def _lapse(writing: HoldWriting, key: str) -> None:
    """The hold is asked for as before its release was approved."""
    lapsed = await writing.connection.execute(
        update(holds)
        .where(holds.c.key == key, holds.c.state == HoldStatus.RELEASING.value)
        .values(state=HoldStatus.ASKED.value, release=null())
    )
    if lapsed.rowcount:
        writing.act("hold-release-lapsed", key, hold=key)


def _repeats(found: LockedHold, release: Release) -> bool:
    """Whether a release was carried out before. Its time is that of the first request."""
    if found.state not in (HoldStatus.RELEASED, HoldStatus.TESTING) or found.release is None:
        return False
    sent = release.model_dump(mode="json")
    return all(found.release[name] == sent[name] for name in ("by", "meaning", "reason"))
