"""Masks of suspected sensors: opened with the case of the sensor, ended when its repair is verified.

A mask is a suppression of the sensor: it covers the readings of this sensor, and nothing else of its component.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.assets import Criticality
from domain.canonical import timestamp
from domain.judging import Judged
from domain.keys import case_workflow_id
from domain.sensors import INSTRUMENT_MODE
from domain.suppression import SHIPPED_LIMITS, Suppression, SuppressionKind, shelving_limits
from millwright.storage.ledger import ledger
from millwright.storage.suppression.suppressions import end_early, make, name_of, of_row

MaskLimits = Mapping[Criticality, timedelta]
"""How long a sensor is masked at most, by its criticality. On A only a person masks."""
SHIPPED_MASKS: Final[MaskLimits] = shelving_limits(SHIPPED_LIMITS)

SOUND_READINGS: Final = 3
"""How many readings in succession pass all their checks before a repaired sensor is trusted again."""
_OURSELVES: Final = "millwright"
_CRITICALITY = text("SELECT criticality FROM assets WHERE id = :sensor AND valid_to IS NULL")
_MASKED = text(
    "SELECT id FROM suppressions WHERE asset = :sensor AND ended_by IS NULL AND from_at <= :at AND end_at > :at LIMIT 1"
)
# Readings since the work on the sensor was done, of the fault that its signal tells of; none that fails a check since.
_COLUMNS = ", ".join(f"s.{name}" for name in Suppression.model_fields)
_FROM_VERIFIED = f"""
    FROM suppressions s
    JOIN cases c ON c.id = substr(s.source, length('case/') + 1) AND c.closed_as = 'done'
    JOIN events o ON o.id = c.opened_by
    JOIN LATERAL (SELECT e.at FROM events e WHERE e.asset = o.anomaly -> 'reading' ->> 'asset'
        AND e.failure_mode = o.anomaly -> 'reading' ->> 'failure_mode' AND e.at > c.closed_at
        AND e.anomaly -> 'reading' -> 'limits' ->> 'sensor' = s.asset AND e.fate = 'decided'
        ORDER BY e.at OFFSET {SOUND_READINGS - 1} LIMIT 1) r ON true
    WHERE s.kind = 'mask' AND s.ended_by IS NULL AND s.returned_at IS NULL
    AND NOT EXISTS (SELECT FROM events f WHERE f.asset = s.asset AND f.failure_mode = '{INSTRUMENT_MODE}'
        AND f.at > c.closed_at)
    """
_ANY_VERIFIED = text(f"SELECT EXISTS (SELECT {_FROM_VERIFIED})")
_VERIFIED = text(f"SELECT {_COLUMNS}, c.id AS case_id, r.at AS sound_at {_FROM_VERIFIED} ORDER BY s.id FOR UPDATE OF s")


async def mask_sensor(
    connection: AsyncConnection, case: str, judged: Judged, limits: MaskLimits, entry: ledger.Entry
) -> None:
    """Masks the sensor of which a case was just opened, or records that a person is to decide it.

    Args:
        case: the case.
        judged: the verdict that opened it. A verdict that is not on a failed check masks nothing.
        limits: how long at most.
        entry: the ledger row of this transaction.
    """
    event, reading = judged.event, judged.event.anomaly.reading
    if reading is None or not reading.failed:
        return
    sensor, subject = reading.sensor, case_workflow_id(case)
    stored: str | None = await connection.scalar(_CRITICALITY, {"sensor": sensor})
    criticality = Criticality.A if stored is None else Criticality(stored)
    why = reading.words(event.anomaly.value)
    if criticality is Criticality.A:
        told = f"a sensor of criticality A is masked only by an approver who names a compensating check; {why}"
        entry.add(ledger.act("sensor-not-masked", subject, _OURSELVES, entry.at, {"sensor": sensor, "reason": told}))
        return
    if await connection.scalar(_MASKED, {"sensor": sensor, "at": event.at}) is not None:
        return
    until = max(event.at, entry.at) + limits[criticality]
    made = Suppression(
        id=name_of("MK", case),
        kind=SuppressionKind.MASK,
        asset=sensor,
        spared_asset=sensor,
        spared_mode=INSTRUMENT_MODE,
        from_at=event.at,
        until_at=until,
        end_at=until,
        reason=why,
        made_by=_OURSELVES,
        made_at=entry.at,
        source=subject,
    )
    await make(connection, made, entry)


async def any_verified(connection: AsyncConnection) -> bool:
    """Whether `end_verified` would end a mask."""
    return bool((await connection.execute(_ANY_VERIFIED)).scalar_one())


async def end_verified(connection: AsyncConnection, entry: ledger.Entry) -> int:
    """Ends the masks of sensors whose repair is verified; returns how many there were.

    It is verified when the work of the sensor's case is done, and the readings after it have passed all their checks.
    """
    found = list((await connection.execute(_VERIFIED)).mappings())
    for row in found:
        why = (
            f"the repair is verified: {SOUND_READINGS} readings up to {timestamp(row['sound_at'])} passed all their "
            f"checks after the work of case {row['case_id']} was done"
        )
        await end_early(connection, of_row(row), row["sound_at"], _OURSELVES, why, entry)
    return len(found)
