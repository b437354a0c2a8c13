"""The new orders of crews, and the cases that wait for their turn; see `domain.admission`."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Self

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.admission import (
    Admission,
    Asking,
    CrewBound,
    CrewFigures,
    Exemption,
    RiskRank,
    counted_since,
    crew_figures,
    turn_words,
)
from domain.assets import Criticality
from domain.clock import Clock
from domain.keys import case_workflow_id
from domain.verdict import Rung, Severity
from domain.work_orders import WorkOrderStatus
from millwright.storage.database.asset_rows import NEWEST
from millwright.storage.database.case_tables import admissions
from millwright.storage.database.engine import transaction
from millwright.storage.ledger import ledger
from millwright.storage.scheduling import due

NOT_DONE = tuple(status.value for status in WorkOrderStatus if status.not_done)

# An order counts unless the planner ended it without work, or its case ended before the CMMS had it.
COUNTS = "NOT coalesce(w.status = ANY(:not_done), FALSE) AND NOT (w.external_id IS NULL AND c.closed_as IS NOT NULL)"
ADMITTED = (
    "SELECT n.crew, n.site, n.admitted_at FROM admissions n JOIN cases c ON c.id = n.case_id "
    f"LEFT JOIN work_orders w ON w.case_id = n.case_id WHERE n.admitted_at > :since AND {COUNTS}"
)
"""The new orders of each crew that count."""
_OF_CREW = "n.crew = :crew AND n.site IS NOT DISTINCT FROM :site"
_ADMITTED = text(f"{ADMITTED} AND {_OF_CREW}")
# A case with what its place among those that wait rests on: `RiskRow`.
RISKS = (
    "SELECT c.id, c.rung, c.verdict ->> 'severity' AS severity, (c.verdict ->> 'priority')::integer AS priority, "
    "c.opened_at, a.criticality, n.crew, n.site, n.bound, n.asked_at, c.waiting_for, c.asset, c.failure_mode "
    f"FROM cases c JOIN assets a ON a.id = c.asset AND {NEWEST} LEFT JOIN admissions n ON n.case_id = c.id "
)
WAITS = "n.admitted_at IS NULL AND c.closed_as IS NULL AND c.withdraw IS NULL AND c.decision IS NULL"
"""Of a case that has asked: its order is wanted, and not admitted yet."""
_OWN = text(f"{RISKS} WHERE c.id = :case")
_OTHERS = text(f"{RISKS} WHERE {_OF_CREW} AND {WAITS} AND c.id <> :case")
# The case before its crew: so lock all who lock both.
_SITE = text("SELECT site FROM cases WHERE id = :case FOR KEY SHARE")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('crew/' || :crew || '/' || coalesce(:site, ''), 0))")
_CREWS = text(
    "SELECT DISTINCT crew, site FROM admissions WHERE case_id = ANY(:cases) AND admitted_at > :since ORDER BY 1, 2"
)
_WAITING = text(f"SELECT c.id FROM admissions n JOIN cases c ON c.id = n.case_id WHERE {_OF_CREW} AND {WAITS}")


class _SiteRow(NamedTuple):
    site: str | None


class _CrewRow(NamedTuple):
    crew: str
    site: str | None


class _WaitingRow(NamedTuple):
    case: str


class AdmittedRow(NamedTuple):
    """A new order of a crew that counts."""

    crew: str
    site: str | None
    admitted_at: datetime


class RiskRow(NamedTuple):
    """A case with what its place among those that wait rests on."""

    case: str
    rung: int
    severity: str
    priority: int
    opened_at: datetime
    criticality: str | None
    crew: str | None
    site: str | None
    bound: int | None
    asked_at: datetime | None
    waiting_for: str | None
    asset: str
    failure_mode: str

    @property
    def risk(self) -> RiskRank:
        return RiskRank.of(
            self.case,
            Severity(self.severity),
            None if self.criticality is None else Criticality(self.criticality),
            Rung(self.rung),
            self.priority,
            self.opened_at,
        )

    @property
    def waits(self) -> bool:
        """Whether this is what the case waits for. One that waits for something else keeps nobody back meanwhile."""
        return (
            self.crew is not None and self.bound is not None and self.waiting_for == turn_words(self.crew, self.bound)
        )


class _Crew(NamedTuple):
    """A crew of a site, locked."""

    connection: AsyncConnection
    name: str
    site: str | None

    @classmethod
    async def locked(cls, connection: AsyncConnection, name: str, site: str | None) -> Self:
        """The crew; no other transaction counts or changes its new orders until this one ends."""
        await connection.execute(_LOCK, {"crew": name, "site": site})
        return cls(connection, name, site)

    @property
    def _key(self) -> dict[str, object]:
        return {"crew": self.name, "site": self.site}

    async def figures(self, case: str, bound: int, now: datetime) -> CrewFigures:
        """Whether a case has its turn."""
        values = {**self._key, "case": case}
        own = RiskRow._make((await self.connection.execute(_OWN, values)).one())
        others = [RiskRow._make(row) for row in await self.connection.execute(_OTHERS, values)]
        return crew_figures(
            Asking(own.risk, bound),
            [Asking(each.risk, each.bound) for each in others if each.waits and each.bound is not None],
            await self._admitted(now),
            now,
        )

    async def _admitted(self, now: datetime) -> list[datetime]:
        values = {**self._key, "since": counted_since(now), "not_done": list(NOT_DONE)}
        return [AdmittedRow._make(row).admitted_at for row in await self.connection.execute(_ADMITTED, values)]

    async def waiting(self) -> list[str]:
        """The cases that wait for their turn."""
        return [_WaitingRow._make(row).case for row in await self.connection.execute(_WAITING, self._key)]


class AdmissionStore:
    """See `domain.admission.AdmissionStore`.

    Args:
        engine: the database.
        clock: the plant's time.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def ask(self, case: str, bound: CrewBound, exempt: Exemption | None) -> datetime | None:
        async with transaction(self._engine) as connection:
            entry = ledger.Entry(self._clock.now())
            site = _SiteRow._make((await connection.execute(_SITE, {"case": case})).one()).site
            crew = await _Crew.locked(connection, bound.crew, site)
            known = await _known(connection, case)
            if known is not None and known.admitted_at is not None:
                return None
            figures = await crew.figures(case, bound.new_orders, entry.at)
            admitted = exempt is not None or figures.again_at is None
            now = Admission(
                crew=bound.crew,
                site=site,
                bound=bound.new_orders,
                asked_at=entry.at if known is None else known.asked_at,
                admitted_at=entry.at if admitted else None,
                exempt=exempt,
            )
            if now != known:
                await _keep(connection, case, now, figures, entry)
                await ledger.append(connection, entry)
            return None if admitted else figures.again_at


async def awaiting_turn(connection: AsyncConnection, changed: Sequence[str], now: datetime) -> list[str]:
    """The cases to wake: they wait for the crews of cases whose orders count no more, or count again.

    It locks these crews until the transaction ends: who counts next sees what this transaction has changed.
    """
    values = {"cases": list(changed), "since": counted_since(now)}
    crews = [_CrewRow._make(row) for row in await connection.execute(_CREWS, values)]
    return [case for row in crews for case in await (await _Crew.locked(connection, row.crew, row.site)).waiting()]


async def wake_waiting(connection: AsyncConnection, changed: str, now: datetime) -> None:
    """Wakes the cases that wait for the crew of one whose order counts no more, or counts again."""
    some = await awaiting_turn(connection, [changed], now)
    await due.wake(connection, [case_workflow_id(case) for case in some], now)


async def give_place_back(connection: AsyncConnection, case: str, now: datetime) -> None:
    """Takes a case that has the order of a person out of its crew's new orders, or of those that wait for them. If it
    is to have an order of its own later, it asks again."""
    await wake_waiting(connection, case, now)
    await connection.execute(delete(admissions).where(admissions.c.case_id == case))


async def _known(connection: AsyncConnection, case: str) -> Admission | None:
    found = (await connection.execute(select(admissions).where(admissions.c.case_id == case))).mappings().one_or_none()
    return None if found is None else Admission.model_validate({name: found[name] for name in Admission.model_fields})


async def _keep(
    connection: AsyncConnection, case: str, admission: Admission, figures: CrewFigures, entry: ledger.Entry
) -> None:
    values = {name: getattr(admission, name) for name in Admission.model_fields}
    await connection.execute(
        insert(admissions)
        .values(case_id=case, **values)
        .on_conflict_do_update(index_elements=[admissions.c.case_id], set_=values)
    )
    kind = "order-awaits-turn" if admission.admitted_at is None else "order-admitted"
    detail = {"admission": admission, "used": figures.used, "rank": figures.rank, "waiting": figures.waiting}
    entry.add(ledger.act(kind, case_workflow_id(case), "millwright", entry.at, detail))
