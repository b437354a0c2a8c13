"""An outage of storage ends no watch of the worker, and is told once."""

import asyncio
import logging
from collections.abc import Sequence
from typing import cast

import pytest

from domain.errors import StorageFault, StorageUnavailable
from domain.loops import Outage
from millwright.storage.cases.suppression_end import SuppressionEnd
from millwright.worker.suppression_watch import SuppressionWatch

log = logging.getLogger(__name__)


def test_an_outage_is_told_when_it_begins_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage(log, "nothing goes", "it goes again")
    for _ in range(2):
        outage.is_over()
        outage.begins(StorageUnavailable("away"))
        outage.begins(StorageFault("not understood"))
        outage.is_over()
        outage.is_over()
    assert caplog.messages == ["nothing goes: away", "it goes again"] * 2


class Failing:
    """Returns what is due, but for the first times, when storage fails."""

    def __init__(self, errors: Sequence[Exception]) -> None:
        self._errors = list(errors)
        self.went_on = asyncio.Event()

    async def return_due(self) -> Sequence[str]:
        if self._errors:
            raise self._errors.pop()
        self.went_on.set()
        return []


def test_a_bug_is_told_once_with_its_traceback_also_during_an_outage(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage(log, "nothing goes", "it goes again")
    outage.begins(StorageUnavailable("away"))
    outage.begins(KeyError("x"))
    outage.begins(KeyError("x"))
    assert caplog.messages == ["nothing goes: away", "nothing goes: KeyError: 'x'"]
    assert caplog.records[1].exc_info is not None


@pytest.mark.parametrize("error", [StorageUnavailable("away"), StorageFault("not understood"), KeyError("a bug")])
async def test_a_watch_goes_on_after_any_error(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    failing = Failing([error])
    running = asyncio.create_task(SuppressionWatch(cast("SuppressionEnd", failing)).run())
    await asyncio.wait_for(failing.went_on.wait(), 5)
    await asyncio.sleep(0)
    running.cancel()
    assert len(caplog.messages) == 2
