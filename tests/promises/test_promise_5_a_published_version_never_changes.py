"""Promise 5: a published policy version never changes, and nobody approves their own change."""

from datetime import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from domain.approvals import APPROVE
from domain.errors import PolicyRejected
from millwright.storage.policies.signatures import Signed, SignedVersion
from policies.engine.catalogue import Catalogue
from tests.support.judged_plant import Plant
from tests.support.plant import START, code, signature


def approval(author_too: bool) -> None:
    digest, key = "0" * 64, Ed25519PrivateKey.generate()
    when: datetime = START
    given = signature(key, "anna" if author_too else "grace", digest, APPROVE, when)
    signed = (Signed(1, given, frozenset({"approver"}), None),)
    SignedVersion(digest, "anna", frozenset(), signed, first_light=True).check()


def test_promise_5_nobody_approves_their_own_change() -> None:
    with pytest.raises(PolicyRejected, match="no approval by anyone but its author"):
        approval(author_too=True)


def test_promise_5_somebody_else_may() -> None:
    approval(author_too=False)


def test_promise_5_an_altered_text_does_not_load() -> None:
    published = Catalogue.published().versions[0]
    altered = published.text.replace("4.0", "3.9")
    with pytest.raises(PolicyRejected, match="altered after it was published"):
        Catalogue().load(altered, published.digest, file="altered.yaml")


async def test_promise_5_the_database_refuses_to_change_a_published_version(judged: Plant) -> None:
    with pytest.raises(Exception, match="append-only"):
        async with judged.engine.begin() as connection:
            await connection.execute(text("UPDATE policy_versions SET document = 'rung: ignore'"))


async def test_promise_5_a_version_altered_behind_the_databases_back_judges_nothing(judged: Plant) -> None:
    async with judged.engine.begin() as connection:
        await connection.execute(text("ALTER TABLE policy_versions DISABLE TRIGGER append_only"))
        await connection.execute(text("UPDATE policy_versions SET document = replace(document, '4.0', '3.9')"))
    with pytest.raises(PolicyRejected, match="altered after it was published"):
        await judged.take(code(1))
    assert await judged.rows("SELECT count(*) FROM verdicts") == [(0,)]
