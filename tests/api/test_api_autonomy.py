"""Autonomy over HTTP: the table, and an approver's word that is signed where they are."""

from datetime import timedelta

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from domain.autonomy import AutonomyAdvice, AutonomyKey, AutonomyMove, AutonomyTerms
from domain.canonical import canonical, timestamp
from domain.keys import signed_statement
from millwright.bootstrap import Storage
from policies.engine.judging import compile_policy
from tests.support.ingress import NOW
from tests.support.judged_plant import Plant
from tests.support.people import add
from tests.support.plant import code, deviation
from tests.support.policy_people import PolicyPeople, candidate

KEY = AutonomyKey("rotating-equipment", "pump", "PDE")
TERMS = AutonomyTerms(enforce=True, automatic=False)
_MORE = """
INSERT INTO cases (id, asset, failure_mode, machine, line, opened_by, opened_at, event_at, last_event_at, version,
                   verdict, rung, phase, closed_at, closed_as)
SELECT 'c' || n, asset, failure_mode, machine, line, opened_by, opened_at, event_at, last_event_at, version, verdict, 4,
       'closed', opened_at, 'done' FROM cases, generate_series(1, 36) n
"""
_FOUND = """
INSERT INTO outcomes (case_id, outcome, cancelled, found_at, body)
SELECT id, CASE id WHEN 'c36' THEN 'nothing_found' ELSE 'confirmed' END, false, opened_at, '{}' FROM cases
WHERE id LIKE 'c%'
"""
WAIVER = """
waivers:
  - { id: trial, for: { class: pump }, rules: [single-shift], owner: Ada, reason: A trial., until: 2015-01-20T00:00Z }
"""


class Approver:
    """Somebody with an API key and a signing key."""

    def __init__(self, api: httpx.AsyncClient) -> None:
        self._api = api
        self._key = Ed25519PrivateKey.generate()
        self._second = Ed25519PrivateKey.generate()

    async def join(self, storage: Storage) -> None:
        await add(storage.people, "ada", ["approver"], NOW, key=self._key)
        await add(storage.people, "zoe", ["approver"], NOW, key=self._second)
        await add(storage.people, "otto", ["operator"], NOW)

    async def says(self, move: str, digest: str, meaning: str = "seen", /, **changed: object) -> httpx.Response:
        who = str(changed.pop("by", "ada"))
        key = self._second if who == "zoe" else self._key
        statement = signed_statement(digest, f"promote-autonomy:{move}", meaning, timestamp(NOW), who)
        body = {"move": move, "meaning": meaning, "at": timestamp(NOW), "signature": key.sign(statement).hex()}
        headers = {"Authorization": f"Bearer key of {who}", "Content-Type": "application/json"}
        return await self._api.post("/autonomy/pump/PDE/moves", content=canonical(body | changed), headers=headers)


@pytest.fixture
async def ada(api: httpx.AsyncClient, storage: Storage) -> Approver:
    made = Approver(api)
    await made.join(storage)
    return made


async def earned(storage: Storage, *, enforce: bool = True) -> None:
    """A plant whose pumps had 36 findings, 35 of them confirmed, under a version that enforces autonomy or not."""
    plant = Plant(storage.engine)
    await plant.prepare()
    await plant.take(deviation(1), code(2), deviation(3))
    async with storage.engine.begin() as connection:
        await connection.execute(text(_MORE))
        await connection.execute(text(_FOUND))
    if enforce:
        await enforced(storage, candidate().text + WAIVER)


async def enforced(storage: Storage, document: str) -> None:
    """A version is in force that enforces autonomy."""
    people = PolicyPeople(storage.engine, storage.clock)
    await people.arrive()
    policy = compile_policy(document.replace("confirmed: 20 }", "confirmed: 20 }\n  enforce: true"), "1.2.0.yaml")
    await people.submit(policy)
    await people.approve(policy.digest)
    await people.place(policy.digest)


async def proposed(storage: Storage, api: httpx.AsyncClient) -> str:
    """The measurement proposes; gives what is to be signed."""
    record = await storage.autonomy.record(KEY, TERMS)
    advice = AutonomyAdvice(move=AutonomyMove.PROPOSED, lower_bound=0.9, reason="enough")
    assert await storage.autonomy.advised(KEY, record, advice)
    return str((await api.get("/autonomy")).json()[0]["digest"])


async def test_the_table_tells_how_far_each_class_and_mode_has_come(api: httpx.AsyncClient, storage: Storage) -> None:
    await earned(storage)
    (row,) = (await api.get("/autonomy")).json()
    assert (row["asset_class"], row["failure_mode"], row["state"]) == ("pump", "PDE", "review")
    assert (row["confirmed"], row["wrong"], row["target"], row["needed"], row["enforced"]) == (35, 1, 0.9, 20, True)
    assert row["precision"] == pytest.approx(35 / 36, abs=1e-3)
    assert row["lower_bound"] < row["precision"] < row["upper_bound"] < 1


async def test_two_approvers_signatures_promote_and_one_takes_back_what_acts_without_review(
    api: httpx.AsyncClient, storage: Storage, ada: Approver
) -> None:
    await earned(storage)
    early = await ada.says("promoted", (await api.get("/autonomy")).json()[0]["digest"])
    assert (early.status_code, "is at review" in early.json()["detail"]) == (409, True)
    digest = await proposed(storage, api)
    first = await ada.says("promoted", digest, "35 of 36")
    assert (first.status_code, first.json()["state"], first.json()["stored"]) == (201, "proposed", "approved")
    assert first.json()["approval"]["name"] == "Ada (ada)"
    assert first.json()["approval"]["meaning"] == "35 of 36"
    again = await ada.says("promoted", digest, "35 of 36")
    assert (again.status_code, "another approver" in again.json()["fix"]) == (409, True)
    done = await ada.says("promoted", digest, "so do I", by="zoe")
    assert (done.status_code, done.json()["state"], done.json()["machines"]) == (201, "automatic", 1)
    lost = await ada.says("lost", done.json()["digest"], "new bearings")
    assert (lost.status_code, lost.json()["state"], lost.json()["confirmed"]) == (201, "review", 0)


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"signature": "0" * 128}, 409, "the signature is not ada's"),
        ({"meaning": "another meaning"}, 409, "the signature is not ada's"),
        ({"move": "refused"}, 409, "the signature is not ada's"),
        ({"at": timestamp(NOW - timedelta(minutes=6))}, 409, "not of now"),
        ({"by": "otto"}, 403, "it needs the role approver"),
        ({"move": "proposed"}, 422, "promoted"),
        ({"meaning": " "}, 422, "pattern"),
    ],
)
async def test_what_was_not_signed_by_an_approver_just_now_is_refused(
    api: httpx.AsyncClient, storage: Storage, ada: Approver, changed: dict[str, object], status: int, words: str
) -> None:
    await earned(storage)
    answer = await ada.says("promoted", await proposed(storage, api), **changed)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert (await api.get("/autonomy")).json()[0]["state"] == "proposed"


async def test_a_version_that_does_not_enforce_autonomy_promotes_nobody(
    api: httpx.AsyncClient, storage: Storage, ada: Approver
) -> None:
    await earned(storage, enforce=False)
    (row,) = (await api.get("/autonomy")).json()
    assert row["enforced"] is False
    answer = await ada.says("promoted", row["digest"])
    assert (answer.status_code, "does not enforce" in answer.json()["detail"]) == (409, True)


async def test_what_acts_by_itself_from_the_first_is_taken_away_before_there_was_a_case_and_is_listed(
    api: httpx.AsyncClient, storage: Storage, ada: Approver
) -> None:
    await Plant(storage.engine).prepare()
    await enforced(storage, candidate().text.replace("default: review", "default: automatic"))
    record = await storage.autonomy.record(KEY, AutonomyTerms(enforce=True, automatic=True))
    lost = await ada.says("lost", record.digest(KEY), "unknown behaviour")
    assert (lost.status_code, lost.json()["state"]) == (201, "review")
    assert [row | {"stored": "lost", "machines": 1} for row in (await api.get("/autonomy")).json()] == [lost.json()]


async def test_the_summary_tells_which_waivers_in_force_end_soon(api: httpx.AsyncClient, storage: Storage) -> None:
    await earned(storage)
    (waiver,) = (await api.get("/summary")).json()["waivers"]
    assert (waiver["waiver"], waiver["owner"], waiver["reason"], waiver["ended"]) == ("trial", "Ada", "A trial.", False)
