"""What people sign: canonical JSON now, lines of text in earlier builds. Both are checked, here and offline."""

from datetime import UTC, datetime

import orjson
import pytest

from domain.canonical import timestamp
from domain.keys import earlier_statement, release_statement, signed_statement
from millwright.audit.offline_signatures import release_holds, statement_holds
from millwright.storage.policies.signatures import Signature
from tests.support.people import key_of, signed_release

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
DIGEST = "d" * 64
PUBLIC = key_of("ada").public_key().public_bytes_raw().hex()


def given(statement: bytes, person: str = "ada") -> Signature:
    return Signature("approve", person, "I read it", AT, key_of("ada").sign(statement).hex(), PUBLIC)


def offline(signature: Signature, digest: str = DIGEST) -> bool:
    told = {"meaning": signature.meaning, "at": timestamp(AT), "signature": signature.signature}
    return statement_holds(PUBLIC, digest, signature.act, told, signature.person)


NOW = signed_statement(DIGEST, "approve", "I read it", timestamp(AT), "ada")
EARLIER = earlier_statement(DIGEST, "approve", "I read it", timestamp(AT))


def test_what_is_signed_is_canonical_json_that_names_the_person() -> None:
    assert (
        b'{"act":"approve","at":"2026-01-31T12:00:00.000000Z","digest":"' + DIGEST.encode() + b'",'
        b'"meaning":"I read it","person":"ada","statement":"millwright signature 2"}'
    ) == NOW


@pytest.mark.parametrize(("statement", "now"), [(NOW, True), (EARLIER, False)])
def test_signatures_of_this_and_of_earlier_builds_hold_and_only_the_former_are_taken(
    statement: bytes, now: bool
) -> None:
    signature = given(statement)
    assert (signature.holds(DIGEST), signature.holds_now(DIGEST), offline(signature)) == (True, now, True)
    assert (signature.holds("e" * 64), offline(signature, "e" * 64)) == (False, False)


def test_a_signature_does_not_hold_for_another_person() -> None:
    other = given(NOW, "bert")
    assert (other.holds(DIGEST), offline(other)) == (False, False)


def test_a_release_holds_offline_for_its_own_hold_and_machine_only() -> None:
    release = signed_release("MWX", "EQ-1", AT, "ada").model_dump(mode="json")
    assert release_holds(PUBLIC, "MWX", "EQ-1", release)
    assert not release_holds(PUBLIC, "MWY", "EQ-1", release)
    assert not release_holds(PUBLIC, "MWX", "EQ-2", release)
    assert not release_holds(PUBLIC, "MWX", "EQ-1", release | {"signature": None})
    said = orjson.loads(release_statement("MWX", "EQ-1", "ready", "why", timestamp(AT), "ada"))
    assert (said["act"], said["hold"], said["person"]) == ("release-hold", "MWX", "ada")
