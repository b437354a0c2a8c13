"""What every client of Service Bus receives and is answered at the sandbox's bus, whatever library it stands on."""

import re
from typing import Any

Answers = dict[str, Any]

_ASSIGNED = re.compile("[0-9a-f]{32}")


class BusContract:
    """A test class of one client inherits these; its module has the fixture `answers`."""

    def test_a_message_from_a_subscription_has_all_its_properties(self, answers: Answers) -> None:
        assert answers["received"] == {
            "id": "m1",
            "body": "all of it",
            "state": "active",
            "failed": 0,
            "properties": {"n": 5, "kind": "pump"},
            "correlation": "c1",
            "subject": "s1",
            "contentType": "text/plain",
            "seconds": 60,
            "number": 1,
        }

    def test_a_message_sent_without_an_id_has_one(self, answers: Answers) -> None:
        nameless = answers["nameless"]
        assert _ASSIGNED.fullmatch(nameless["id"])
        assert (nameless["body"], nameless["state"], nameless["failed"]) == ("alone", "active", 0)

    def test_a_lock_is_renewed(self, answers: Answers) -> None:
        assert answers["renewed"] is True

    def test_an_abandoned_message_comes_again_with_its_id_and_its_changes(self, answers: Answers) -> None:
        assert answers["abandoned"] == {**answers["nameless"], "failed": 1, "properties": {"seen": 1}}

    def test_a_deferred_message_says_so_when_peeked_and_when_received_by_its_number(self, answers: Answers) -> None:
        assert answers["peeked"] == answers["deferred"]
        assert answers["deferred"] == {
            "id": "b1",
            "body": "first",
            "state": "deferred",
            "failed": 1,
            "properties": {},
        }

    def test_a_deferred_message_is_dead_lettered_with_its_reason(self, answers: Answers) -> None:
        reasons = {"DeadLetterReason": "why", "DeadLetterErrorDescription": "at length"}
        assert answers["dead"] == {
            "id": "b2",
            "body": "second",
            "state": "active",
            "failed": 1,
            "properties": reasons,
            "reason": "why",
            "description": "at length",
            "source": "q",
        }

    def test_a_scheduled_message_says_so_when_peeked(self, answers: Answers) -> None:
        assert answers["scheduled"] == "scheduled"

    def test_a_message_is_received_and_deleted_in_one(self, answers: Answers) -> None:
        assert answers["deleted"] == "gone"

    def test_named_and_next_sessions_are_granted(self, answers: Answers) -> None:
        sessions = answers["sessions"]
        assert (sessions["named"], sessions["next"], sessions["again"]) == ("B", "A", "B")
        assert sessions["isLocked"] is True

    def test_a_sessions_state_outlasts_its_receiver(self, answers: Answers) -> None:
        assert (answers["sessions"]["stateBefore"], answers["sessions"]["state"]) == (None, "seen")

    def test_a_message_of_a_session_is_deferred_and_received_again(self, answers: Answers) -> None:
        deferred = answers["sessions"]["deferred"]
        assert (deferred["body"], deferred["state"]) == ("b1", "deferred")

    def test_a_closed_session_gives_its_message_back_uncounted(self, answers: Answers) -> None:
        assert (answers["sessions"]["bodies"], answers["sessions"]["failed"]) == (["b2", "b2"], 0)
