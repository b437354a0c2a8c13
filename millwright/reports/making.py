"""Reports in a process of its own, one after the other: `python -m millwright.reports.making`.

The API starts it, because a report reads rows without a bound, and computes on the event loop. For each line of JSON on
stdin it writes to stdout a line with the size of the answer in bytes, and the answer: one line of JSON, and the report.
It ends at once if stdin is closed.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from domain.assigning import Scope
from domain.canonical import canonical
from domain.errors import ActRejected, Rejected, StorageFault, StorageUnavailable
from domain.model import Model, Moment
from millwright.alert_quality.blaming import read_blame
from millwright.alert_quality.boards import read_alarm_board, read_load_board
from millwright.alert_quality.report import read_quality
from millwright.audit.questions.answer import Asked
from millwright.audit.questions.asking import ask
from millwright.explaining.flooding import read_floods
from millwright.policy_operations.canary_bands import usual_band
from millwright.reports.ordering import LARGEST, LONGEST, OUT_OF_MEMORY, ReportMade, ReportName, ReportOrder
from millwright.reports.summary import read_summary
from millwright.runtime.process_limits import limit_processor_time, limit_this_process, lines_of_stdin
from millwright.storage.database.engine import open_engine
from millwright.storage.policies.canaries import CanaryCounts
from millwright.storage.reporting.missed_failures import missed_failures
from policies.engine.catalogue import Catalogue

_CONNECTIONS = 4
"""An answer to an auditor reads a snapshot, and looks other things up meanwhile."""


class _Source(NamedTuple):
    engine: AsyncEngine
    now: datetime
    terms: Mapping[str, object]
    written: str


_Making = Callable[[_Source], Awaitable[bytes]]


def main() -> None:
    """Makes a report for each line of stdin."""
    limit_this_process(memory=LARGEST)
    for asked in lines_of_stdin():
        limit_processor_time(LONGEST)
        try:
            made, report = asyncio.run(made_report(ReportOrder.model_validate_json(asked)))
            answer = made.model_dump_json().encode() + b"\n" + report
        except MemoryError:
            sys.exit(OUT_OF_MEMORY)
        sys.stdout.buffer.write(b"%d\n%b" % (len(answer), answer))
        sys.stdout.buffer.flush()


async def made_report(order: ReportOrder) -> tuple[ReportMade, bytes]:
    """Makes what is wanted."""
    engine = open_engine(order.database_url, pool_size=_CONNECTIONS, longest_statement=LONGEST)
    try:
        return ReportMade(result="made"), await _REPORTS[order.report](
            _Source(engine, order.now, order.terms, order.written)
        )
    except ActRejected as error:
        return ReportMade(result="refused", problem=error.problem, field=error.field, fix=error.fix), b""
    except Rejected as error:
        return ReportMade(result="rejected", problem=error.problem, field=error.field, fix=error.fix), b""
    except StorageUnavailable as error:
        return ReportMade(result="away", problem=str(error)), b""
    except StorageFault as error:
        return ReportMade(result="fault", problem=str(error)), b""
    finally:
        await engine.dispose()


async def _audit(source: _Source) -> bytes:
    terms = dict(source.terms)
    question, zone = str(terms.pop("question")), ZoneInfo(str(terms.pop("time_zone")))
    answer = await ask(source.engine, Catalogue(), question, Asked.model_validate({"now": source.now, **terms}), zone)
    return answer.csv().encode() if source.written == "csv" else canonical(answer)


async def _summary(source: _Source) -> bytes:
    return canonical(await read_summary(source.engine, source.now))


def _of_period(read: Callable[[AsyncEngine, datetime, datetime], Awaitable[object]]) -> _Making:
    """A report on a period, which is stated by its terms."""

    async def made(source: _Source) -> bytes:
        period = _Period.model_validate(source.terms)
        return canonical(await read(source.engine, period.since, period.until))

    return made


async def _usual_band(source: _Source) -> bytes:
    scope = Scope.model_validate(source.terms)
    return canonical(await usual_band(CanaryCounts(source.engine), scope, source.now))


async def _missed_failures(source: _Source) -> bytes:
    return canonical(await missed_failures(source.engine, source.now, _Listing.model_validate(source.terms).limit))


class _Listing(Model):
    limit: int


class _Period(Model):
    since: Moment
    until: Moment


_REPORTS: Mapping[ReportName, _Making] = {
    "audit": _audit,
    "summary": _summary,
    "floods": _of_period(read_floods),
    "usual-band": _usual_band,
    "missed-failures": _missed_failures,
    "quality": _of_period(read_quality),
    "quality-alarms": _of_period(read_alarm_board),
    "quality-load": _of_period(read_load_board),
    "quality-blame": _of_period(read_blame),
}


if __name__ == "__main__":
    main()
