"""Makes reports for the API in processes of their own: the errors of such a process as answers."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Literal

from fastapi import Request, Response

from domain.errors import ActRejected, Rejected, StorageFault, StorageUnavailable
from millwright.api.bounded_process import BoundedProcesses, ProcessDied, TookTooLong
from millwright.api.problems import Problem, unavailable
from millwright.bootstrap import Storage
from millwright.reports.ordering import COMMAND, LARGEST, LONGEST, OUT_OF_MEMORY, ReportMade, ReportName, ReportOrder
from millwright.storage.database.engine import present_url

AT_ONCE = 3
_ANSWERS = 100
"""The start of a process takes a second, which most reports do not. What a process has taken ends with it."""
_SHORTER = "ask for a shorter period; `millwright audit ask` on the command line has no limit"
_MEDIA = {"json": "application/json", "csv": "text/csv; charset=utf-8"}


class Reports:
    """Makes reports from the record.

    Args:
        storage: the database and its clock.
        seconds: maximum duration of a report.
        command: the process of a report.
    """

    def __init__(self, storage: Storage, seconds: float = LONGEST, command: Sequence[str] = COMMAND) -> None:
        self._storage = storage
        self._seconds = seconds
        self._processes = BoundedProcesses(command, "reports", seconds=seconds, at_once=AT_ONCE, answers=_ANSWERS)

    async def close(self) -> None:
        """Ends the process that is kept for the next report."""
        await self._processes.close()

    async def answer(
        self,
        report: ReportName,
        request: Request,
        terms: Mapping[str, object] | None = None,
        written: Literal["json", "csv"] = "json",
    ) -> Response:
        """A report as an answer. Its process ends if its caller leaves.

        Raises:
            Rejected: a parameter is wrong; an ActRejected where the record has no such thing.
            StorageUnavailable: the database does not answer, or a statement took too long.
            Problem: 422 if it takes too long or too much memory; 503 if too many are made, or the process died.
        """
        order = ReportOrder(
            report=report,
            database_url=present_url(self._storage.engine),
            now=self._storage.clock.now(),
            terms={name: value for name, value in (terms or {}).items() if value is not None},
            written=written,
        )
        try:
            answer = await self._processes.answer(order.model_dump_json().encode(), request)
        except TookTooLong:
            raise _over(f"the report took longer than {self._seconds:g} s and was ended") from None
        except ProcessDied as death:
            if death.code == OUT_OF_MEMORY:
                raise _over(f"the report needed more than {LARGEST >> 20} MiB of memory") from None
            raise unavailable(f"the process that made the report ended before its answer ({death})") from death
        head, _, body = answer.partition(b"\n")
        _raise_if_none(ReportMade.model_validate_json(head))
        return Response(body, media_type=_MEDIA[written])


def _raise_if_none(made: ReportMade) -> None:
    match made.result:
        case "refused":
            raise ActRejected(made.problem, field=made.field, fix=made.fix)
        case "rejected":
            raise Rejected(made.problem, field=made.field, fix=made.fix)
        case "away":
            raise StorageUnavailable(made.problem)
        case "fault":
            raise StorageFault(made.problem)


def _over(problem: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "too-heavy", problem, fix=_SHORTER)
