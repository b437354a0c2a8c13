"""The sandbox's bus as Azure's client for Go meets it, azservicebus."""

import pytest

from tests.contract.foreign.bus_contract import Answers, BusContract
from tests.contract.foreign.sandbox_clients import answers_of_azure_for_go, running_bus

pytestmark = pytest.mark.foreign


@pytest.fixture(scope="module")
async def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What the client received and was answered in one run."""
    async with running_bus() as bus:
        return await answers_of_azure_for_go(bus.connection_string, tmp_path_factory.mktemp("client"))


class TestAzureForGo(BusContract):
    """What every client is answered."""


def test_what_is_sent_after_a_receive_ended_or_a_receiver_closed_waits_for_the_next(answers: Answers) -> None:
    assert answers["stopped"] == ["before", "after", "after it closed"]


def test_a_session_that_another_holds_and_a_wait_for_none_are_refused(answers: Answers) -> None:
    assert "com.microsoft:session-cannot-be-locked" in answers["taken"]
    # It asks the bus to answer at most a hundredth before its own time is over: either may be first.
    assert answers["none"] in {"timeout", "context deadline exceeded"}
