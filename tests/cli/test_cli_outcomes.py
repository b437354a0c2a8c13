"""A person states on the command line what completed work found."""

import asyncio

import pytest

from domain.cases import ClosedAs
from domain.casework import Waits
from domain.outcomes import OutcomeClass
from domain.twin_writes import TwinWrite
from domain.work_orders import WorkOrderStatus
from millwright.bootstrap import open_storage
from millwright.settings import Settings
from tests.cli.conftest import Millwright
from tests.support.completed_work import ORDER, REASON, completed, opened_case, ordered
from tests.support.held_machine import add_people
from tests.support.plant import register


class Work:
    """An installation with one case."""

    def __init__(self, millwright: Millwright, settings: Settings) -> None:
        self.millwright = millwright
        self._settings = settings
        self.case = asyncio.run(self._opened())

    async def _opened(self) -> str:
        async with open_storage(self._settings) as storage:
            await storage.register.keep(register(), "tests")
            await add_people(storage)
            return await opened_case(storage)

    def complete(self, found: OutcomeClass = OutcomeClass.UNKNOWN) -> None:
        """The order is completed, and its outcome recorded."""

        async def done() -> None:
            async with open_storage(self._settings) as storage:
                await completed(storage.cases, self.case, found)

        asyncio.run(done())

    def record_write(self, write: TwinWrite) -> None:
        """The twin of the case was to be told, and this came of it."""

        async def done() -> None:
            async with open_storage(self._settings) as storage:
                await storage.cases.record_twin_update(self.case, write, OutcomeClass.CONFIRMED)

        asyncio.run(done())

    def order(self) -> None:
        """The order is at work."""

        async def done() -> None:
            async with open_storage(self._settings) as storage:
                await ordered(storage.cases, self.case, WorkOrderStatus.IN_PROGRESS)

        asyncio.run(done())

    def close(self, unread: str) -> None:
        """The case closes, with an outcome that nobody knows."""

        async def done() -> None:
            async with open_storage(self._settings) as storage:
                await storage.cases.close(self.case, ClosedAs.DONE, unread)

        asyncio.run(done())

    def wait(self, reason: str) -> None:
        """The case waits for somebody."""

        async def done() -> None:
            async with open_storage(self._settings) as storage:
                await storage.cases.wait(self.case, Waits("place-order", reason))

        asyncio.run(done())

    def stating(self, found: str = "confirmed", key: str = "planner") -> tuple[str, ...]:
        return ("case", "outcome", self.case, found, "--reason", REASON, "--key", key)


@pytest.fixture
def work(millwright: Millwright, database_url: str) -> Work:
    return Work(millwright, Settings.model_validate({"home": millwright.home, "database_url": database_url}))


def test_a_planner_states_what_completed_work_found_and_it_is_shown(work: Work) -> None:
    work.complete()
    millwright = work.millwright
    assert millwright.says(*work.stating()) == f"paul stated confirmed for {work.case}.\n"
    shown = millwright.says("case", "show", work.case)
    assert "outcome confirmed stated by paul on " in shown
    assert f" UTC: {REASON}\n" in shown
    gone = TwinWrite(twin="machine-001-comp1", model=None, etag=None)
    work.record_write(gone)
    for asked in (("case", "show", work.case), ("why", work.case)):
        assert gone.words[0] in millwright.says(*asked)
    assert "outcome-stated" in shown
    assert "Possibly the same as 1198 (approved, reported by SMITH: Noise)." in shown
    told = millwright.json("case", "show", work.case)["case"]
    assert (told["outcome"], told["stated"]["by"], told["stated"]["reason"]) == ("confirmed", "paul", REASON)
    why = millwright.says("why", work.case)
    assert "paul stated this outcome " in why
    assert millwright("audit", "verify").exit_code == 0


def test_a_closed_case_that_nobody_can_read_is_listed_with_what_it_waits_for(work: Work) -> None:
    work.complete()
    work.close("a person to say what 1224 found")
    listed = work.millwright.says("case", "list", "--state", "closed", "--lane", "planner")
    assert "[planner] waits for a person to say what 1224 found" in listed


def test_the_same_statement_again_is_accepted_and_another_one_refused(work: Work) -> None:
    work.complete()
    work.millwright.says(*work.stating())
    assert work.millwright.says(*work.stating()) == f"paul stated confirmed for {work.case}.\n"
    refused = work.millwright.refuses(*work.stating("nothing_found"))
    assert refused.startswith(f"outcome: paul stated confirmed for {work.case} on ")
    assert refused.endswith(" UTC (a stated outcome is not changed)")


def test_without_a_key_the_statement_is_by_the_user_of_this_machine(work: Work) -> None:
    work.complete()
    said = work.millwright.says("case", "outcome", work.case, "sensor_fault", "--reason", REASON)
    assert said == f"local stated sensor_fault for {work.case}.\n"


def test_a_statement_needs_a_reason_a_known_key_and_the_role(work: Work) -> None:
    work.complete()
    blank = ("case", "outcome", work.case, "confirmed", "--reason", " ")
    assert work.millwright.refuses(*blank) == "reason: is empty (say why)"
    assert "nobody has this API key" in work.millwright.refuses(*work.stating(key="guessed"))
    assert "petra may not do this; it needs the role planner" in work.millwright.refuses(
        *work.stating(key="production")
    )


@pytest.mark.parametrize("found", ["unknown", "deferred"])
def test_a_class_that_is_no_finding_is_refused_with_those_that_are(work: Work, found: str) -> None:
    work.complete()
    assert work.millwright.refuses(*work.stating(found)) == (
        f"outcome: {found} is not what completed work found "
        "(one of: confirmed, other_defect, nothing_found, sensor_fault, process_change, duplicate, prevented, "
        "not_inspected)"
    )
    assert work.millwright(*work.stating("broken")).exit_code == 2


def test_work_that_goes_on_and_what_codes_say_are_refused_in_one_sentence(work: Work) -> None:
    work.order()
    assert work.millwright.refuses(*work.stating()) == (
        f"case: the work of case {work.case} is not finished (complete its order in the CMMS first)"
    )
    work.complete(OutcomeClass.NOTHING_FOUND)
    assert work.millwright.refuses(*work.stating()) == (
        f"outcome: the codes of order {ORDER} already say nothing_found (only an outcome that is unknown is stated)"
    )
    nowhere = ("case", "outcome", "MWNOTHERE0", "confirmed", "--reason", REASON)
    assert work.millwright.refuses(*nowhere) == "there is no case MWNOTHERE0 (see `case list`)"


def test_a_case_tries_again_once_a_person_has_corrected_what_it_waits_for(work: Work) -> None:
    retrying = ("case", "retry", work.case, "--key", "planner")
    assert work.millwright.refuses(*retrying) == f"case: {work.case} waits for nothing"
    work.wait("a person to correct maximo (assetnum): there is no asset M001-COMP1")
    said = work.millwright.says(*retrying)
    assert said.startswith(
        f"{work.case} tries again now. It waited for a person to correct maximo (assetnum): there is"
    )


def test_the_codes_that_no_table_has_are_listed(work: Work) -> None:
    assert work.millwright.says("case", "unknown-codes") == "Every code is known.\n"
    work.complete()
    [listed] = work.millwright.json("case", "unknown-codes")
    assert (listed["role"], listed["code"], listed["waiting"], listed["newest"]) == ("problem", "LEAK", 1, [ORDER])
    assert "LEAK" in work.millwright.says("case", "unknown-codes")
