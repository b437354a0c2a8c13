"""A version's life over HTTP: who is signed in, and what they signed."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.approvals import APPROVE, ROLLBACK, SUBMIT, placing_meaning
from domain.assigning import EVERYWHERE, Scope
from domain.canonical import canonical, timestamp
from millwright.bootstrap import Storage
from tests.support.judged_plant import Plant
from tests.support.people import add
from tests.support.plant import LINE
from tests.support.policy_people import PEOPLE, PolicyPeople, candidate


class SignedInPeople:
    """Signed-in people: each with an API key and a signing key."""

    def __init__(self, api: httpx.AsyncClient, storage: Storage) -> None:
        self._api = api
        self.storage = storage
        self.people = PolicyPeople(storage.engine, storage.clock)

    async def open(self) -> None:
        await Plant(self.storage.engine).prepare()
        for name, roles in PEOPLE.items():
            await add(self.storage.people, name, roles, self.storage.clock.now(), key=self.people.keys[name])

    async def post(self, person: str, path: str, **body: object) -> httpx.Response:
        return await self._api.post(
            path,
            content=canonical(body),
            headers={"Authorization": f"Bearer key of {person}", "Content-Type": "application/json"},
        )

    def signed(self, person: str, digest: str, act: str, meaning: str, at: datetime | None = None) -> dict[str, str]:
        when = at or self.storage.clock.now()
        return {"at": timestamp(when), "signature": self.people.sign(person, digest, act, meaning, when).signature}


@pytest.fixture
async def signed_in(api: httpx.AsyncClient, storage: Storage) -> SignedInPeople:
    made = SignedInPeople(api, storage)
    await made.open()
    return made


async def approved(signed_in: SignedInPeople) -> str:
    digest = await signed_in.people.submit(candidate(), assets=1)
    meaning = "I read it"
    body = {"meaning": meaning, **signed_in.signed("bert", digest, APPROVE, meaning)}
    answer = await signed_in.post("bert", f"/policies/{digest}/approvals", **body)
    assert (answer.status_code, answer.json()["lacking"]) == (201, 0)
    return digest


async def assign(signed_in: SignedInPeople, person: str, digest: str, **changed: Any) -> httpx.Response:
    now = signed_in.storage.clock.now()
    meaning = placing_meaning("activate", [EVERYWHERE], now, None, "because")
    body = {"act": "activate", "effective_from": timestamp(now), "reason": "because"}
    return await signed_in.post(
        person,
        f"/policies/{digest}/assignments",
        **(body | signed_in.signed(person, digest, "activate", meaning, now) | changed),
    )


async def test_an_approved_version_is_activated_by_an_operator_alone(
    signed_in: SignedInPeople, api: httpx.AsyncClient
) -> None:
    digest = await approved(signed_in)
    assert (await assign(signed_in, "bert", digest)).status_code == 403
    done = await assign(signed_in, "emil", digest)
    assert done.status_code == 201, done.text
    assert done.json()["machines"] == 1
    found = (await api.get("/policies/in-force", params={"line": LINE})).json()
    assert (found["active"], found["assigned_by"]) == (digest, "emil")
    listed = {version["version"]: version["state"] for version in (await api.get("/policies")).json()["versions"]}
    assert listed["1.2.0"] == "active"
    story = (await api.get("/policies/1.2.0/history")).json()
    assert [act["what"] for act in story][-2:] == ["policy-activated", "policy-assigned"]
    assert (story[-2]["signed"]["name"], story[-2]["signed"]["meaning"]) == ("Emil (emil)", done.json()["meaning"])
    assert story[-2]["signed"]["local"] == "2015-01-15 06:00:00 UTC"
    assert story[-1]["signed"] is None


@pytest.mark.parametrize("changed", [{"reason": "other"}, {"scope": {"line": LINE}}, {"signature": "0" * 128}])
async def test_what_was_not_signed_is_refused(signed_in: SignedInPeople, changed: dict[str, object]) -> None:
    digest = await approved(signed_in)
    answer = await assign(signed_in, "emil", digest, **changed)
    assert answer.status_code in (409, 422), answer.text
    assert "signature" in answer.json()["detail"] + str(answer.json().get("field"))


async def test_a_draft_is_saved_and_submitted_by_its_author(signed_in: SignedInPeople) -> None:
    policy = candidate()
    text = {"document": policy.text, "cases": "cases: []\n", "reason": "a try"}
    assert (await signed_in.post("bert", "/policies/drafts", **text)).status_code == 403
    saved = await signed_in.post("anna", "/policies/drafts", **text)
    assert (saved.status_code, saved.json()["revision"]) == (201, 1)
    meaning = "please review"
    body = {"meaning": meaning, **signed_in.signed("anna", policy.digest, SUBMIT, meaning)}
    refused = await signed_in.post("anna", "/policies/drafts/rotating-equipment/1.2.0/submission", **body)
    assert "checks did not pass" in refused.json()["detail"]


async def test_whoever_sits_at_the_machine_signs_nothing_and_stops_nothing(
    signed_in: SignedInPeople, api: httpx.AsyncClient
) -> None:
    answer = await api.post("/stops", json={"action": "order", "reason": "now"})
    assert answer.status_code == 403
    text = {"document": candidate().text, "cases": "", "reason": "a try"}
    assert (await api.post("/policies/drafts", json=text)).status_code == 403


async def test_a_stop_is_lifted_by_another(signed_in: SignedInPeople, api: httpx.AsyncClient) -> None:
    stopped = await signed_in.post("emil", "/stops", action="hold", asset_class="pump", reason="a drill")
    assert stopped.json() == {"stop": 1, "machines": 1}
    number = stopped.json()["stop"]
    assert (await signed_in.post("emil", f"/stops/{number}/lift", reason="over")).status_code == 409
    assert (await signed_in.post("fred", f"/stops/{number}/lift", reason="over")).status_code == 200
    assert [stop["lifted_by"] for stop in (await api.get("/stops")).json()] == ["fred"]


@pytest.mark.parametrize(
    ("scope", "field", "fix"),
    [
        ({"site": "BEDFROD"}, "site", "did you mean BEDFORD?"),
        ({"asset_class": "pmup"}, "asset_class", "did you mean pump?"),
    ],
)
async def test_a_stop_for_a_misspelt_scope_is_refused_with_the_nearest_name(
    signed_in: SignedInPeople, api: httpx.AsyncClient, scope: dict[str, str], field: str, fix: str
) -> None:
    refused = await signed_in.post("emil", "/stops", action="hold", reason="a drill", **scope)
    assert (refused.status_code, refused.json()["field"], refused.json()["fix"]) == (409, field, fix)
    assert (await api.get("/stops")).json() == []


@pytest.mark.parametrize(
    ("scope", "field", "fix"),
    [
        ({"line": "LIN-1"}, "line", "did you mean LINE-1?"),
        ({"site": "BEDFROD"}, "site", "did you mean BEDFORD?"),
        ({"asset_class": "pmup"}, "asset_class", "did you mean pump?"),
    ],
)
async def test_an_assignment_to_a_misspelt_scope_is_refused_with_the_nearest_name(
    signed_in: SignedInPeople, scope: dict[str, str], field: str, fix: str
) -> None:
    digest, now = await approved(signed_in), signed_in.storage.clock.now()
    meaning = placing_meaning("activate", [Scope.model_validate(scope)], now, None, "because")
    refused = await assign(
        signed_in, "emil", digest, scope=scope, **signed_in.signed("emil", digest, "activate", meaning, now)
    )
    assert (refused.status_code, refused.json()["field"], refused.json()["fix"]) == (409, field, fix)


async def test_a_freeze_is_declared_and_lifted(signed_in: SignedInPeople, api: httpx.AsyncClient) -> None:
    now = signed_in.storage.clock.now()
    ends_at = timestamp(now + timedelta(days=1))
    declared = (await signed_in.post("bert", "/freezes", ends_at=ends_at, reason="audit")).json()
    assert (declared["machines"], declared["kept_out"]) == (1, 0)
    number = declared["freeze"]
    digest = await approved(signed_in)
    assert "audit" in (await assign(signed_in, "emil", digest)).json()["detail"]
    assert (await signed_in.post("bert", f"/freezes/{number}/thaw", reason="over")).status_code == 409
    assert (await signed_in.post("carla", f"/freezes/{number}/thaw", reason="over")).status_code == 200
    assert (await assign(signed_in, "emil", digest)).status_code == 201


async def test_in_a_freeze_a_rollback_is_accepted_if_it_is_proved_to_ask_for_no_more(
    signed_in: SignedInPeople, api: httpx.AsyncClient
) -> None:
    digest = await approved(signed_in)
    await assign(signed_in, "emil", digest)
    now = signed_in.storage.clock.now()
    await signed_in.post("bert", "/freezes", ends_at=timestamp(now + timedelta(days=1)), reason="audit")
    old = (await api.get("/policies/1.1.0")).json()["digest"]
    now = signed_in.storage.clock.now()
    meaning = placing_meaning(ROLLBACK, [EVERYWHERE], now, None, "worse", replaces=digest)
    signed = signed_in.signed("emil", old, ROLLBACK, meaning, now)
    rolled = await signed_in.post("emil", f"/policies/{digest}/rollback", to=old, reason="worse", **signed)
    assert rolled.status_code == 201
    told = (await api.get("/policies/1.1.0/history")).json()
    assert [act["detail"] for act in told if act["what"] == "policy-compared"] == [
        {"with": digest, "asks_for_no_more": True}
    ]


async def test_ready_says_that_what_is_in_force_is_what_was_approved(
    signed_in: SignedInPeople, api: httpx.AsyncClient
) -> None:
    told = (await api.get("/ready")).json()
    assert told["policies"] == "what is in force is what was approved"
    assert told["clock"] == "is not behind the ledger"


async def test_a_version_is_found_by_number_name_and_digest(signed_in: SignedInPeople, api: httpx.AsyncClient) -> None:
    (digest,) = {
        version["digest"]
        for version in (await api.get("/policies")).json()["versions"]
        if version["version"] == "1.1.0"
    }
    for name in ("1.1.0", "rotating-equipment@1.1.0", digest, digest[:12]):
        found = (await api.get(f"/policies/{name}")).json()
        assert (found["digest"], found["version"]) == (digest, "1.1.0")
        assert "version: 1.1.0" in found["document"]
    assert (await api.get("/policies/9.9.9")).status_code == 404


async def test_the_terms_of_a_rollback_are_where_the_version_is_active(
    signed_in: SignedInPeople, api: httpx.AsyncClient
) -> None:
    terms = (await api.get("/policies/1.1.0/rollback-terms", params={"to": "1.0.0"})).json()
    assert terms["scopes"] == [EVERYWHERE.model_dump(mode="json")]
    refused = await api.get("/policies/1.0.0/rollback-terms", params={"to": "1.1.0"})
    assert (refused.status_code, refused.json()["field"]) == (409, "version")
