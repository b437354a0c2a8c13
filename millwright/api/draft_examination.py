"""Examines drafts and compares versions for the API: the errors of an examination's process as answers."""

from collections.abc import Sequence
from http import HTTPStatus

from fastapi import Request

from domain.errors import PolicyRejected
from millwright.api.bounded_process import BoundedProcesses, ProcessDied, TookTooLong
from millwright.api.problems import Problem
from millwright.policy_operations.draft_checks import DraftName
from millwright.policy_operations.examining import COMMAND, LARGEST, LONGEST, OUT_OF_MEMORY, Examination, Examined
from millwright.storage.policies.drafts import Draft, MachineFindings
from millwright.storage.policies.versions import StoredVersion

AT_ONCE = 2
_SIMPLER = (
    "make the draft simpler: fewer properties, or fewer comparisons in the conditions that they name; "
    "`millwright policy prove` shows how long each takes"
)


class DraftExaminations:
    """Examines drafts, each in a process of its own.

    Args:
        seconds: maximum duration of an examination.
        command: the process of an examination.
    """

    def __init__(self, seconds: float = LONGEST, command: Sequence[str] = COMMAND) -> None:
        self._seconds = seconds
        self._processes = BoundedProcesses(command, "examinations of drafts", seconds=seconds, at_once=AT_ONCE)

    async def name(self, document: str, request: Request) -> DraftName:
        """Compiles a document.

        Raises:
            PolicyRejected: it does not compile.
            Problem: 422 if it takes too long or too much memory; 503 if too many are examined, or the process died.
        """
        examined = await self._examined(Examination(document=document), request)
        if examined.name is None:
            raise TypeError("an examination has answered without the name that was asked for")
        return examined.name

    async def findings(self, draft: Draft, stored: Sequence[StoredVersion], request: Request) -> MachineFindings:
        """The results of checks and proofs for a draft.

        Raises:
            PolicyRejected: a finding blocks its publication, or one of its properties is not proved.
            Problem: as for `name`.
        """
        examined = await self._examined(Examination(draft=draft, stored=stored), request)
        if examined.findings is None:
            raise TypeError("an examination has answered without the findings that were asked for")
        return examined.findings

    async def asks_for_no_more(self, document: str, other: str, request: Request) -> bool:
        """Whether it is proved that another version never asks for more than a version. What takes too long is not.

        Raises:
            Problem: 503 if too many are examined, or the process died.
        """
        try:
            examined = await self._examined(Examination(document=document, other=other), request)
        except Problem as problem:
            if problem.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
                return False
            raise
        return examined.asks_for_no_more

    async def _examined(self, examination: Examination, request: Request) -> Examined:
        try:
            answer = await self._processes.answer(examination.model_dump_json().encode(), request)
        except TookTooLong:
            raise self._over(f"its examination took longer than {self._seconds:g} s and was ended") from None
        except ProcessDied as death:
            if death.code == OUT_OF_MEMORY:
                raise self._over(f"its examination needed more than {LARGEST >> 20} MiB of memory") from None
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "unavailable",
                f"the process that examined the draft ended before its answer ({death}); nothing was stored",
                fix=f"send it again; if the process ends again, {_SIMPLER}",
            ) from death
        examined = Examined.model_validate_json(answer)
        if examined.result == "rejected":
            raise PolicyRejected(examined.problem, field=examined.field, fix=examined.fix)
        return examined

    @staticmethod
    def _over(problem: str) -> Problem:
        return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "too-heavy", problem, field="document", fix=_SIMPLER)
