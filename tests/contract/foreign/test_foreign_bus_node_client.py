"""The sandbox's bus as Azure's client for JavaScript meets it, @azure/service-bus."""

import pytest

from tests.contract.foreign.bus_contract import Answers, BusContract
from tests.contract.foreign.sandbox_clients import answers_of_azure_for_node, running_bus

pytestmark = pytest.mark.foreign


@pytest.fixture(scope="module")
async def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """What the client received and was answered in one run."""
    async with running_bus() as bus:
        return await answers_of_azure_for_node(bus.connection_string, tmp_path_factory.mktemp("client"))


class TestAzureForNode(BusContract):
    """What every client is answered."""


def test_what_is_sent_after_a_receive_or_a_subscription_ended_waits_for_the_next(answers: Answers) -> None:
    assert answers["stopped"] == ["before", "after", "while subscribed", "after the subscription"]


def test_the_client_never_waits_in_vain_for_the_answer_to_a_drain(answers: Answers) -> None:
    assert answers["warnings"] == []


def test_a_session_that_another_holds_and_a_wait_for_none_are_refused(answers: Answers) -> None:
    assert (answers["taken"], answers["none"]) == ("SessionCannotBeLocked", "ServiceTimeout")
